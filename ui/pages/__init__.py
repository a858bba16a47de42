"""Page scripts, run by app.py's navigation."""
