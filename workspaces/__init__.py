"""The application: use cases, storage, background work, wiring."""
