"""txtai as its documentation shows it: hybrid search with the texts kept, served by its own API.

DATA=folder MODEL=folder python txtai_app.py PORT
"""

import os
import sys
from pathlib import Path

import uvicorn

DATA = Path(os.environ["DATA"])
CONFIG = f"""
path: {DATA / "index"}
writable: true
embeddings:
  path: {os.environ["MODEL"]}
  hybrid: true
  content: true
"""

if __name__ == "__main__":
    (DATA / "config.yml").write_text(CONFIG)
    os.environ["CONFIG"] = str(DATA / "config.yml")
    uvicorn.run("txtai.api:app", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
