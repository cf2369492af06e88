"""An application as people build it on Chroma's server: a few lines of HTTP around its client and SentenceTransformer.

    DATA=folder MODEL=folder CHROMA=port python chroma.py PORT

Chroma's server runs beside it and keeps the vectors and texts.
"""

import os
import sys

import chromadb
import uvicorn
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction
from fastapi import FastAPI

client = chromadb.HttpClient(host="127.0.0.1", port=int(os.environ["CHROMA"]))
encode = SentenceTransformerEmbeddingFunction(model_name=os.environ["MODEL"], device="cpu", normalize_embeddings=True)
collection = client.get_or_create_collection("documents", embedding_function=encode, metadata={"hnsw:space": "cosine"})
app = FastAPI()


@app.post("/documents")
def save(documents: list[dict[str, str]]) -> dict[str, int]:
    """Save and encode what is posted."""
    texts = [f"{each['title']}\n\n{each['text']}" for each in documents]
    titles = [{"title": each["title"] or "-"} for each in documents]
    collection.upsert(ids=[each["id"] for each in documents], documents=texts, metadatas=titles)
    return {"saved": len(documents)}


@app.get("/search")
def search(q: str, k: int = 10) -> dict:
    """Answer `q` with the nearest `k`."""
    found = collection.query(query_texts=[q], n_results=k)
    rows = zip(found["ids"][0], found["metadatas"][0], found["documents"][0], found["distances"][0], strict=True)
    return {"results": [{"id": i, "title": m["title"], "text": t, "score": d} for i, m, t, d in rows]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
