"""Short hashes of what decides a result: equal hashes mean that the work need not be done again."""

import hashlib


def content_hash(title: str, body: str) -> str:
    """Return the hash of what of a document is chunked and encoded: title and body, nothing else."""
    digest = hashlib.sha256()
    for part in (title, body):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def recipe_fingerprint(*parts: str) -> str:
    """Return one fingerprint of several, in their order."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
