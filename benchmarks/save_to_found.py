"""Measures the time from a committed save to the document being found, through real processes.

    python benchmarks/save_to_found.py [--url http://127.0.0.1:8000] [--user admin] [--password …] [--saves 50]

Needs a running installation (`make run`) whose worker is idle. Each round saves one document by the API into a
collection of its own and asks the search endpoint until it is found. Prints milliseconds: minimum, median, p95.
"""

import argparse
import base64
import json
import statistics
import time
import urllib.error
import urllib.request
import uuid


def main() -> None:
    """Save, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    parser.add_argument("--saves", type=int, default=50)
    parser.add_argument("--collection", default="save-to-found")
    arguments = parser.parse_args()
    call = caller(arguments.url, arguments.user, arguments.password)
    if not call("GET", f"/api/v1/collections/?slug={arguments.collection}", accept_missing=True):
        raise SystemExit("The API does not answer.")
    call("POST", "/api/v1/collections/", {"slug": arguments.collection, "name": "Save to found"}, accept_missing=True)
    while call("GET", f"/api/v1/search/?q=x&collection={arguments.collection}", accept_missing=True) is None:
        time.sleep(0.5)
    times = [one_save(call, arguments.collection) for _ in range(arguments.saves)]
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(f"{len(times)} saves: min {times[0]:.0f} ms, median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms")


def one_save(call, collection: str) -> float:
    """Return the milliseconds from the answer to a save until the document is found."""
    word = f"w{uuid.uuid4().hex}"
    key = f"timed-{word}"
    call("PUT", f"/api/v1/collections/{collection}/documents/{key}/", {"title": "Timed", "body": f"Say {word} aloud."})
    begun = time.perf_counter()
    while True:
        answer = call("GET", f"/api/v1/search/?q={word}&collection={collection}&k=1&mode=lexical")
        if any(result["document"]["external_id"] == key for result in answer["results"]):
            return (time.perf_counter() - begun) * 1_000
        time.sleep(0.01)


def caller(url: str, user: str, password: str):
    """Return a function that makes one JSON call; with `accept_missing`, an error answer is None."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()

    def call(method: str, path: str, body: dict | None = None, *, accept_missing: bool = False):
        request = urllib.request.Request(url + path, method=method)
        if method != "GET":  # checking a password takes longer than a search
            request.add_header("Authorization", f"Basic {token}")
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(request, data, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            if accept_missing:
                return None
            raise

    return call


if __name__ == "__main__":
    main()
