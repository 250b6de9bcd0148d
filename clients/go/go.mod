module mockllm.dev/mockllm

go 1.22
