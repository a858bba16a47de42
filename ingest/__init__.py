"""The document line: fetch, read in a helper process, split into chunks. Knows files and web pages, no database."""
