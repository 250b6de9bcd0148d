"""`python -m mockllm`."""

from mockllm.cli.main import main

main()
