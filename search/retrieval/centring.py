"""How near texts are in what sets them apart from the rest of their collection. Pure arithmetic.

Texts on one subject all point the same way: two abstracts on aerodynamics are near each other whatever they say. What
a collection's vectors have in common is their mean, its centre; most of it is taken off the query and the chunk before
their cosine counts beside words. Mu and Viswanath, "All-but-the-Top", 2018, take off all of it, and more directions.
The centre of a collection of many subjects is near to nothing, and then little changes.
"""

import numpy as np
from numpy.typing import NDArray

from search.datatypes import Vectors

_SHARE = 0.7  # from 0.5 to 1 is much the same
_SHORTEST = 1e-9  # squared: what is nothing but the centre points nowhere


def centred(
    cosines: NDArray[np.floating], towards: NDArray[np.floating], query: Vectors, centre: Vectors
) -> NDArray[np.float64]:
    """Return the cosines of chunks with a query, shape (n,), without most of what the collection has in common.

    `cosines`, shape (n,), are of unit vectors, of which `query`, shape (d,), is one; `towards`, shape (n,), are the
    chunks' inner products with `centre`, shape (d,), the mean of the collection's vectors.
    """
    squared = _SHARE**2 * float(centre @ centre)
    lean, query_leans = _SHARE * towards.astype(np.float64), _SHARE * float(query @ centre)
    products = cosines - lean - query_leans + squared
    lengths = np.maximum(1 - 2 * lean + squared, _SHORTEST) * max(1 - 2 * query_leans + squared, _SHORTEST)
    result: NDArray[np.float64] = products / np.sqrt(lengths)
    return result
