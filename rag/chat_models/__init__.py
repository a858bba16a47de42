"""Local models that write prose: Ollama (a server of the user's) and llama.cpp (built in, a child process)."""
