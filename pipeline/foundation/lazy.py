"""A sequence whose items are made when they are asked for, so that many large items need the memory of one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

Key = TypeVar("Key")
Item = TypeVar("Item")


class LazySequence(Sequence[Item], Generic[Key, Item]):
    """`make(key)` for each of `keys`, made anew each time it is asked for; a slice is lazy too.

    It can be sent to another process if `make` can. Raises IndexError and whatever `make` raises.
    """

    def __init__(self, make: Callable[[Key], Item], keys: Sequence[Key]) -> None:
        self._make = make
        self.keys = tuple(keys)

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> "LazySequence[Key, Item]": ...
    def __getitem__(self, place: int | slice) -> "Item | LazySequence[Key, Item]":
        if isinstance(place, slice):
            return LazySequence(self._make, self.keys[place])
        return self._make(self.keys[place])

    def __iter__(self) -> Iterator[Item]:
        # As a sequence alone, it would end without a word at an IndexError of `make`.
        return (self._make(key) for key in self.keys)

    def only(self, keys: set[Key]) -> "LazySequence[Key, Item]":
        """The items of these keys, in their order here."""
        return LazySequence(self._make, [key for key in self.keys if key in keys])
