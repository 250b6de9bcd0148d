"""Google's protocol, as Gemini's API and Vertex AI use it: generateContent, countTokens, models, cached contents."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.gemini.batch_jobs import (
    CancelBatchJob,
    CreateBatchJob,
    DeleteBatchJob,
    GetBatchJob,
    ListBatchJobs,
)
from mockllm.dialects.gemini.batches import (
    GeminiBatch,
    GeminiBatchList,
    GeminiCancelBatch,
    GeminiCreateBatch,
    GeminiCreateEmbeddingBatch,
    GeminiDeleteBatch,
)
from mockllm.dialects.gemini.cached_contents import (
    CreateCachedContent,
    DeleteCachedContent,
    GetCachedContent,
    ListCachedContents,
    UpdateCachedContent,
)
from mockllm.dialects.gemini.count_tokens import GeminiCountTokens
from mockllm.dialects.gemini.embeddings import GeminiEmbeddings
from mockllm.dialects.gemini.file_search.documents import (
    DeleteFileSearchDocument,
    FileSearchDocumentCall,
    FileSearchOperation,
    ListFileSearchDocuments,
)
from mockllm.dialects.gemini.file_search.stores import (
    CreateFileSearchStore,
    DeleteFileSearchStore,
    FileSearchStoreCall,
    ListFileSearchStores,
)
from mockllm.dialects.gemini.file_search.uploads import FileImport, FileSearchUpload
from mockllm.dialects.gemini.files import GeminiDeleteFile, GeminiFile, GeminiFileList
from mockllm.dialects.gemini.interactions.dialect import Interactions
from mockllm.dialects.gemini.interactions.stored_calls import (
    CancelInteraction,
    DeleteInteraction,
    GetInteraction,
)
from mockllm.dialects.gemini.live.dialect import Live
from mockllm.dialects.gemini.live.session import LiveSession
from mockllm.dialects.gemini.live.setup import LiveHandshake, LiveSetup, LiveTranscription
from mockllm.dialects.gemini.media_calls import Imagen, Operation, Veo
from mockllm.dialects.gemini.models import GeminiModels
from mockllm.dialects.gemini.uploads import GeminiUpload

"""The same call, under Vertex AI's path."""
COUNT: Final = GeminiCountTokens()
EMBEDDINGS: Final = GeminiEmbeddings()
IMAGEN: Final = Imagen()
VEO: Final = Veo()
OPERATION: Final = Operation()
MODELS: Final = GeminiModels()
"""The calls for the list and for one model."""
CREATE_CACHE: Final = CreateCachedContent()
LIST_CACHES: Final = ListCachedContents()
GET_CACHE: Final = GetCachedContent()
UPDATE_CACHE: Final = UpdateCachedContent()
DELETE_CACHE: Final = DeleteCachedContent()
LIVE_HANDSHAKE: Final = LiveHandshake(lambda identity, script: LiveSession(identity.ids, script))
LIVE_SETUP: Final = LiveSetup()
LIVE: Final = Live()
LIVE_TRANSCRIPTION: Final = LiveTranscription()
INTERACTIONS: Final = Interactions()
GET_INTERACTION: Final = GetInteraction()
DELETE_INTERACTION: Final = DeleteInteraction()
CANCEL_INTERACTION: Final = CancelInteraction()
UPLOAD_FILE: Final = GeminiUpload()
LIST_FILES: Final = GeminiFileList()
GET_FILE: Final = GeminiFile()
DELETE_FILE: Final = GeminiDeleteFile()
CREATE_BATCH: Final = GeminiCreateBatch()
CREATE_EMBEDDING_BATCH: Final = GeminiCreateEmbeddingBatch()
LIST_BATCHES: Final = GeminiBatchList()
GET_BATCH: Final = GeminiBatch()
CANCEL_BATCH: Final = GeminiCancelBatch()
DELETE_BATCH: Final = GeminiDeleteBatch()
CREATE_BATCH_JOB: Final = CreateBatchJob()
LIST_BATCH_JOBS: Final = ListBatchJobs()
GET_BATCH_JOB: Final = GetBatchJob()
CANCEL_BATCH_JOB: Final = CancelBatchJob()
DELETE_BATCH_JOB: Final = DeleteBatchJob()
CREATE_FILE_STORE: Final = CreateFileSearchStore()
LIST_FILE_STORES: Final = ListFileSearchStores()
GET_FILE_STORE: Final = FileSearchStoreCall()
DELETE_FILE_STORE: Final = DeleteFileSearchStore()
UPLOAD_DOCUMENT: Final = FileSearchUpload()
IMPORT_FILE: Final = FileImport()
LIST_DOCUMENTS: Final = ListFileSearchDocuments()
GET_DOCUMENT: Final = FileSearchDocumentCall()
DELETE_DOCUMENT: Final = DeleteFileSearchDocument()
FILE_SEARCH_OPERATION: Final = FileSearchOperation()
