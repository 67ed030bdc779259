"""The real stacks on a real LocalStack, for who has Docker: `make localstack URL=http://127.0.0.1:4566`.

Most of these tests are those of `tests/stack`, imported by name: what holds on the embedded emulator holds here. What
LocalStack 4.14.0 does in another way has a test of its own; what it does not do at all is told in docs/local.md.
"""
