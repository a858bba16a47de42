"""The question line: retrieval, citations, answers, and the seams they stand on."""
