"""The calls of vector stores: method, path below the base URL, id and class, for the providers that serve them."""

from __future__ import annotations

from typing import Final, cast

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.vector_stores.file_batches import (
    CancelFileBatch,
    CreateFileBatch,
    GetFileBatch,
    ListBatchFiles,
)
from mockllm.dialects.openai.vector_stores.search import SearchVectorStore
from mockllm.dialects.openai.vector_stores.store_calls import (
    CreateVectorStore,
    DeleteVectorStore,
    GetVectorStore,
    ListVectorStores,
    UpdateVectorStore,
)
from mockllm.dialects.openai.vector_stores.store_files import (
    AddVectorStoreFile,
    DeleteVectorStoreFile,
    GetVectorStoreFile,
    ListVectorStoreFiles,
    UpdateVectorStoreFile,
    VectorStoreFileContent,
)
from mockllm.dialects.provider import ProviderCall, ProviderRoute

STORES: Final = "vector_stores"
_store: Final = f"{STORES}/{{vector_store}}"
_file: Final = f"{_store}/files/{{file}}"
_batches: Final = f"{_store}/file_batches"
SERVED: Final[tuple[tuple[str, str, str, type[OpenAiCall]], ...]] = (
    ("POST", STORES, "vector_stores", CreateVectorStore),
    ("GET", STORES, "list_vector_stores", ListVectorStores),
    ("GET", _store, "get_vector_store", GetVectorStore),
    ("POST", _store, "update_vector_store", UpdateVectorStore),
    ("DELETE", _store, "delete_vector_store", DeleteVectorStore),
    ("POST", f"{_store}/search", "search_vector_store", SearchVectorStore),
    ("POST", f"{_store}/files", "vector_store_files", AddVectorStoreFile),
    ("GET", f"{_store}/files", "list_vector_store_files", ListVectorStoreFiles),
    ("GET", _file, "get_vector_store_file", GetVectorStoreFile),
    ("POST", _file, "update_vector_store_file", UpdateVectorStoreFile),
    ("DELETE", _file, "delete_vector_store_file", DeleteVectorStoreFile),
    ("GET", f"{_file}/content", "vector_store_file_content", VectorStoreFileContent),
    ("POST", _batches, "vector_store_file_batches", CreateFileBatch),
    ("GET", f"{_batches}/{{batch}}", "get_vector_store_file_batch", GetFileBatch),
    ("POST", f"{_batches}/{{batch}}/cancel", "cancel_vector_store_file_batch", CancelFileBatch),
    ("GET", f"{_batches}/{{batch}}/files", "list_vector_store_batch_files", ListBatchFiles),
)
ROUTES: Final = tuple(
    ProviderRoute(method, f"/v1/{path}", ProviderCall(id, cast(Dialect, call())))
    for method, path, id, call in SERVED
)
"""OpenAI's own routes."""
