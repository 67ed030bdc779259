"""How many bytes the process may hold on the way, over all chunks it works on.

Every stage of every chunk may always hold one thing (a part, a block), so nobody waits for another chunk and nothing
can deadlock. What makes a stage fast (the next parts of a window, blocks parsed ahead, parts stored side by side) is
taken from this budget if there is room, and done without if there is none.
"""


class Budget:
    """Spare bytes. Used from one event loop only.

    Attributes:
        left: bytes that may still be taken.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.left = limit_bytes

    def try_take(self, count: int) -> bool:
        """Takes `count` bytes if that many are left."""
        if count > self.left:
            return False
        self.left -= count
        return True

    def give_back(self, count: int) -> None:
        self.left += count
