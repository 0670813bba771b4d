"""store: how many finished cases the content store holds, and how large it is; `--empty` deletes them."""

import logging

from pipeline.foundation.content_store import ContentStore
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Count the cases of the store, or delete them: later runs compute them again, to the same bytes."""
    parser = arguments(__doc__, paths=("store",))
    parser.add_argument("--empty", action="store_true", help="delete all cases, and no other file of the folder")
    given = parser.parse_args()
    store = ContentStore(given.store, limit_bytes=0)
    log.info("%s: %d finished cases, %.1f MB", given.store, store.count(), store.size_bytes() / 1e6)
    if given.empty:
        log.info("%d deleted", store.empty())


if __name__ == "__main__":
    run(main)
