"""A gRPC client of others' making: each kind of call. usage: grpc_client.py HOST:PORT AUTHORITY"""

import queue
import sys

import grpc

TIMEOUT = 60


def main(address, authority):
    options = [("grpc.default_authority", authority), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options) as channel:
        for case in (unary, large, serving, talking, refused, failing, cancelled, late):
            case(channel)
            print(f"ok {case.__name__}", flush=True)


def unary(channel):
    call = channel.unary_unary("/peer.Echo/Unary")
    assert call(b"hello", timeout=TIMEOUT) == b"hello"
    assert call(b"", timeout=TIMEOUT) == b""


def large(channel):
    """More than any window, both ways."""
    call = channel.unary_unary("/peer.Echo/Unary")
    message = bytes(range(256)) * 12_000
    assert call(message, timeout=TIMEOUT) == message


def serving(channel):
    call = channel.unary_stream("/peer.Echo/Serve")
    answers = [int(answer) for answer in call(b"500", timeout=TIMEOUT)]
    assert answers == list(range(500)), answers


def talking(channel):
    """One question at a time, each of them after the answer to the one before."""
    call = channel.stream_stream("/peer.Echo/Talk")
    questions = queue.SimpleQueue()
    answers = call(iter(questions.get, None), timeout=TIMEOUT)
    for word in (b"one", b"two", b"three"):
        questions.put(word)
        assert next(answers) == word.upper()
    questions.put(None)
    assert list(answers) == []


def refused(channel):
    """A status without an answer, in what HTTP/2 has for a head."""
    error = failure(lambda: channel.unary_unary("/peer.Echo/Refuse")(b"", timeout=TIMEOUT))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
    assert error.details() == "100 % of them", error
    assert ("reason", "by design") in error.trailing_metadata(), error
    error = failure(lambda: channel.unary_unary("/peer.Echo/Nothing")(b"", timeout=TIMEOUT))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def failing(channel):
    answers = channel.unary_stream("/peer.Echo/Fail")(b"", timeout=TIMEOUT)
    assert next(answers) == b"first"
    error = failure(lambda: next(answers))
    assert error.code() == grpc.StatusCode.DATA_LOSS, error
    assert error.details() == "in the middle", error


def cancelled(channel):
    answers = channel.unary_stream("/peer.Echo/Wait")(b"cancelled", timeout=TIMEOUT)
    assert next(answers) == b"begun"
    answers.cancel()
    assert failure(lambda: next(answers)).code() == grpc.StatusCode.CANCELLED


def late(channel):
    answers = channel.unary_stream("/peer.Echo/Wait")(b"late", timeout=2)
    error = failure(lambda: list(answers))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("it did not fail")


main(*sys.argv[1:])
