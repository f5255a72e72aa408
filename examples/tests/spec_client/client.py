#!/usr/bin/env python3
"""An HBONE client of Python's standard library and nothing else, written from docs/SPEC.md, RFC 9113 and RFC 7541.

It opens one tunnel, single or double, ties it to standard input and output as TCP would be, and exits with 0 if both halves ended
well. Numbers in brackets are those of the specification.
"""

import argparse
import errno
import os
import re
import select
import selectors
import socket
import ssl
import struct
import sys
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR = 0, 1, 3, 6
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR = 7, 8, 9, 10
END_STREAM = ACK = 1
END_HEADERS, PADDED, PRIORITY_FLAG = 4, 8, 32

STREAM = 1  # one tunnel on a connection is all we ever open
LARGEST_FRAME = 16384
LARGEST_HEAD = 16384  # [HBONE-H-011]
STREAM_WINDOW = 1 << 18
CONNECTION_WINDOW = 4 * STREAM_WINDOW  # [HBONE-T-012]
SILENCE, PATIENCE = 10, 20  # seconds: [HBONE-T-013]
IDENTITY = re.compile(r"spiffe://[a-z0-9._-]+/ns/(?!\.\.?/)[A-Za-z0-9._-]+/sa/(?!\.\.?$)[A-Za-z0-9._-]+")  # section 3


class Failure(Exception):
    """Why there is no tunnel, or no whole one."""


class NotTaken(Failure):
    """The server has not looked at the request, so that it may be repeated: [HBONE-C-010]."""


def tls_context(arguments):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # [HBONE-T-003]
    context.check_hostname = False  # [HBONE-T-005]: the name is in the SPIFFE id
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(arguments.ca)
    context.load_cert_chain(arguments.cert, arguments.key)
    context.set_alpn_protocols(["h2"])  # [HBONE-T-004]
    return context


def identity_of(tls):
    """The one SPIFFE id in the peer's certificate: [HBONE-I-001], [HBONE-I-002]."""
    names = tls.getpeercert().get("subjectAltName", ())
    uris = [value for kind, value in names if kind == "URI"]
    if len(uris) != 1 or not IDENTITY.fullmatch(uris[0]):
        raise Failure(f"the server's certificate names {uris}, which is not one SPIFFE id")
    if is_authority(tls.getpeercert(binary_form=True)):
        raise Failure("the server's certificate is that of an authority")  # [HBONE-I-006]
    return uris[0]


def is_authority(der):
    """Whether the basic constraints (RFC 5280 section 4.2.1.9) say so, which `ssl` does not tell."""
    return re.search(rb"\x06\x03\x55\x1d\x13(?:\x01\x01\xff)?\x04.\x30.\x01\x01\xff", der, re.DOTALL) is not None


class Hop:
    """One hop: TLS and HTTP/2 with one CONNECT on it. Bytes of the layer below come in, bytes for it are in `below`."""

    def __init__(self, context, expect, authority, fields):
        self.expect, self.authority, self.fields = expect, authority, fields
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self.decoder = hpack.Decoder()
        self.stage = "TLS handshake"  # then "SETTINGS", "answer", "open"
        self.frames = b""  # received, not yet whole
        self.head = None  # flags and fragments of a field section that goes on
        self.interim = 0
        self.answer = {}
        self.received, self.given_back = bytearray(), 0
        self.peer_ended = self.stopped = False
        self.connection_room = self.stream_room = 65535
        self.initial_window, self.largest_frame = 65535, LARGEST_FRAME
        self.allowance, self.stream_allowance = 65535, STREAM_WINDOW
        self.to_send, self.finished, self.ended = bytearray(), False, False
        self.pinged_at = None
        self.heard_at = self.since = time.monotonic()
        self.shake()

    # Towards the layer below.

    def below(self):
        return self.outgoing.read()

    def receive(self, data):
        """Takes bytes of the layer below; none at its end."""
        self.heard_at, self.pinged_at = time.monotonic(), None
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        if self.stage == "TLS handshake":
            self.shake()
        while self.stage != "TLS handshake" and not self.is_over():
            try:
                plain = self.tls.read(65536)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as error:
                raise Failure(self.refused(error)) from error
            if not plain:
                raise Failure("the server closed the connection")  # [HBONE-L-004]
            self.frames += plain
            self.read_frames()

    def refused(self, error):
        """[HBONE-I-007]: before the first SETTINGS an alert is about our certificate."""
        if self.stage == "SETTINGS":
            return f"the TLS handshake failed: {error}"
        return f"the connection is lost: {error}"

    def shake(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise Failure(f"the TLS handshake failed: {error}") from error
        if self.tls.selected_alpn_protocol() != "h2":
            raise Failure("the server does not speak h2")
        identity = identity_of(self.tls)
        if identity != self.expect:  # [HBONE-I-005]
            raise Failure(f"the server is {identity}, and not {self.expect}")
        self.begin()

    def begin(self):
        """The preface and the CONNECT, without waiting for the server's SETTINGS: [HBONE-T-009]."""
        self.enter("SETTINGS")
        self.tls.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        settings = [(2, 0), (4, STREAM_WINDOW), (6, LARGEST_HEAD)]  # no push: [HBONE-T-011]
        self.frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *setting) for setting in settings))
        self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", CONNECTION_WINDOW - self.allowance))
        self.allowance = CONNECTION_WINDOW
        head = [(":method", "CONNECT"), (":authority", self.authority), *self.fields]  # [HBONE-C-001]
        self.frame(HEADERS, END_HEADERS, STREAM, hpack.encoded(head))

    def enter(self, stage):
        self.stage, self.since = stage, time.monotonic()

    def frame(self, kind, flags, stream, payload=b""):
        head = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        self.tls.write(head + payload)

    def broken(self, code, why):
        """An error of the connection."""
        self.frame(GOAWAY, 0, 0, struct.pack(">II", 0, code))
        return Failure(f"the server breaks HTTP/2: {why}")

    def reset(self, code):
        self.frame(RST_STREAM, 0, STREAM, struct.pack(">I", code))

    # What the server says.

    def read_frames(self):
        while len(self.frames) >= 9:
            length = int.from_bytes(self.frames[:3], "big")
            if length > LARGEST_FRAME:
                raise self.broken(FRAME_SIZE_ERROR, "a frame that is too large")
            if len(self.frames) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self.frames[3:9])
            payload, self.frames = self.frames[9 : 9 + length], self.frames[9 + length :]
            self.read_frame(kind, flags, stream & 0x7FFFFFFF, payload)

    def read_frame(self, kind, flags, stream, payload):
        if self.stage == "SETTINGS":
            if kind != SETTINGS or flags & ACK:
                raise self.broken(PROTOCOL_ERROR, "it does not begin with SETTINGS")
            self.enter("answer")
        if self.head is not None and kind != CONTINUATION:
            raise self.broken(PROTOCOL_ERROR, "a field section is interrupted")
        of_connection = kind in (SETTINGS, PING, GOAWAY)
        if kind <= CONTINUATION and kind != WINDOW_UPDATE and of_connection != (stream == 0):
            raise self.broken(PROTOCOL_ERROR, f"a frame of type {kind} on stream {stream}")
        if stream not in (0, STREAM) and kind <= CONTINUATION and kind != PRIORITY:
            raise self.broken(PROTOCOL_ERROR, f"stream {stream} is idle")
        if kind == DATA:
            self.read_data(flags, payload)
        elif kind == HEADERS:
            payload = self.unpadded(flags, payload)
            self.head = [flags, payload[5:] if flags & PRIORITY_FLAG else payload]
            self.read_head(flags)
        elif kind == CONTINUATION:
            if self.head is None:
                raise self.broken(PROTOCOL_ERROR, "a CONTINUATION of nothing")
            self.head[1] += payload
            self.read_head(flags)
        elif kind == RST_STREAM:
            self.read_reset(self.number(payload))
        elif kind == SETTINGS:
            self.read_settings(flags, payload)
        elif kind == PUSH_PROMISE:
            raise self.broken(PROTOCOL_ERROR, "a push")  # [HBONE-T-011]
        elif kind == PING:
            if len(payload) != 8:
                raise self.broken(FRAME_SIZE_ERROR, "a PING")
            if not flags & ACK:
                self.frame(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            if len(payload) < 8:
                raise self.broken(FRAME_SIZE_ERROR, "a GOAWAY")
            last, code = struct.unpack(">II", payload[:8])
            if last & 0x7FFFFFFF < STREAM:  # otherwise the tunnel goes on: [HBONE-R-004]
                raise NotTaken(f"the server takes no tunnel: GOAWAY with code {code}")
        elif kind == WINDOW_UPDATE:
            self.read_window(stream, self.number(payload) & 0x7FFFFFFF)
        # Others, and PRIORITY, are ignored: [HBONE-T-015].

    def number(self, payload):
        if len(payload) != 4:
            raise self.broken(FRAME_SIZE_ERROR, "a frame that holds one number")
        return int.from_bytes(payload, "big")

    def unpadded(self, flags, payload):
        if not flags & PADDED:
            return payload
        if not payload or payload[0] >= len(payload):
            raise self.broken(PROTOCOL_ERROR, "more padding than frame")
        return payload[1 : len(payload) - payload[0]]

    def read_settings(self, flags, payload):
        if flags & ACK:
            return
        if len(payload) % 6:
            raise self.broken(FRAME_SIZE_ERROR, "SETTINGS")
        for at in range(0, len(payload), 6):
            setting, value = struct.unpack(">HI", payload[at : at + 6])
            if setting == 4:
                if value > 0x7FFFFFFF:
                    raise self.broken(FLOW_CONTROL_ERROR, "an initial window")
                self.stream_room += value - self.initial_window
                self.initial_window = value
            elif setting == 5:
                if not 16384 <= value <= 16777215:
                    raise self.broken(PROTOCOL_ERROR, "a largest frame")
                self.largest_frame = value
        self.frame(SETTINGS, ACK, 0)
        self.send_data()

    def read_window(self, stream, more):
        if stream == 0:
            self.connection_room += more
        else:
            self.stream_room += more
        if more == 0 or max(self.connection_room, self.stream_room) > 0x7FFFFFFF:
            raise self.broken(FLOW_CONTROL_ERROR, "a window")
        self.send_data()

    def read_head(self, flags):
        if len(self.head[1]) > LARGEST_HEAD:
            raise self.broken(PROTOCOL_ERROR, "a field section without end")
        if not flags & END_HEADERS:
            return
        (flags, block), self.head = self.head, None
        try:
            fields = self.decoder.decode(block)
        except hpack.Malformed as error:
            raise self.broken(COMPRESSION_ERROR, str(error)) from error
        if self.stage == "open":
            self.reset(PROTOCOL_ERROR)  # [HBONE-L-005]
            raise Failure("trailers in a tunnel")
        self.read_answer(fields, bool(flags & END_STREAM))

    def read_answer(self, fields, is_end):
        statuses = [value for name, value in fields if name == b":status"]
        if len(statuses) != 1 or not re.fullmatch(rb"[1-5][0-9][0-9]", statuses[0]):
            self.reset(PROTOCOL_ERROR)
            raise Failure(f"an answer with {len(statuses)} statuses")
        status = int(statuses[0])
        if 100 <= status < 200 and status != 101 and not is_end and self.interim < 16:
            self.interim += 1  # [HBONE-C-008]
            return
        if status != 200:
            if not is_end:
                self.reset(CANCEL)
            raise Failure(f"the server answered {status}")  # [HBONE-C-009]
        baggage = [value.decode("latin-1") for name, value in fields if name == b"baggage"]
        self.answer = {"baggage": ",".join(baggage)}
        self.peer_ended = is_end
        self.enter("open")
        self.send_data()

    def read_data(self, flags, payload):
        self.allowance -= len(payload)
        self.stream_allowance -= len(payload)
        if self.allowance < 0 or self.stream_allowance < 0:
            raise self.broken(FLOW_CONTROL_ERROR, "more than the window")
        data = self.unpadded(flags, payload)
        if self.stage != "open" or self.peer_ended:
            self.reset(PROTOCOL_ERROR)
            raise Failure("DATA outside of a tunnel")
        self.received += data
        self.taken(len(payload) - len(data))
        self.peer_ended = bool(flags & END_STREAM)

    def read_reset(self, code):
        if self.stage != "open":
            kind = NotTaken if code == REFUSED_STREAM and not self.interim else Failure
            raise kind(f"the server reset the request with code {code}")
        if not self.peer_ended:
            raise Failure(f"the tunnel was reset with code {code}")  # [HBONE-L-002]
        if not self.ended:
            raise Failure(f"the server takes no more: code {code}")  # [HBONE-L-006]

    # Towards the layer above.

    def taken(self, count):
        """The layer above has taken so many bytes: [HBONE-L-008]."""
        self.given_back += count
        if self.given_back >= STREAM_WINDOW // 4 and not self.is_over():
            self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self.given_back))
            self.allowance += self.given_back
            if not self.peer_ended:
                self.frame(WINDOW_UPDATE, 0, STREAM, struct.pack(">I", self.given_back))
                self.stream_allowance += self.given_back
            self.given_back = 0

    def take(self):
        data = bytes(self.received)
        self.received.clear()
        return data

    def send(self, data):
        self.to_send += data
        self.send_data()

    def finish(self):
        self.finished = True
        self.send_data()

    def send_data(self):
        if self.stage != "open" or self.ended:  # nothing before the 200: [HBONE-C-006]
            return
        while self.to_send and min(self.connection_room, self.stream_room) > 0:
            count = min(len(self.to_send), self.largest_frame, self.connection_room, self.stream_room)
            self.connection_room -= count
            self.stream_room -= count
            data = bytes(self.to_send[:count])
            del self.to_send[:count]
            self.ended = self.finished and not self.to_send
            self.frame(DATA, END_STREAM if self.ended else 0, STREAM, data)
        if self.finished and not self.to_send and not self.ended:
            self.ended = True
            self.frame(DATA, END_STREAM, STREAM)  # without bytes, and so never without END_STREAM: [HBONE-L-007]

    def is_over(self):
        return self.ended and self.peer_ended

    # Time.

    def tick(self, now, timeout):
        """[HBONE-T-014] before the tunnel is open, [HBONE-T-013] from then on."""
        if self.stage != "open":
            if now - self.since > timeout:
                raise Failure(f"no {self.stage} within {timeout} seconds")
        elif self.pinged_at is None and now - self.heard_at > SILENCE:
            self.pinged_at = now
            self.frame(PING, 0, 0, b"are you?")
        elif self.pinged_at is not None and now - self.pinged_at > PATIENCE:
            raise Failure("the server is silent")


class Client:
    """The hops, the outermost first, between a socket and standard input and output."""

    def __init__(self, arguments, link):
        self.arguments, self.link = arguments, link
        self.context = tls_context(arguments)
        self.selector = selectors.PollSelector()  # which takes files too, unlike epoll
        self.for_link, self.for_output = bytearray(), bytearray()
        self.has_input = self.has_output = True
        trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"
        tell = [("traceparent", trace)] + [("baggage", arguments.baggage)] * bool(arguments.baggage)
        if arguments.gateway_id:  # [HBONE-D-005]
            outer = [("traceparent", trace), ("x-istio-source", "sidecar")]
            self.plan = [(arguments.gateway_id, outer), (arguments.peer_id, [*tell, ("x-forwarded-network", arguments.network)])]
        else:
            self.plan = [(arguments.peer_id, tell)]
        self.hops = []
        self.deepen()

    def deepen(self):
        expect, fields = self.plan[len(self.hops)]
        self.hops.append(Hop(self.context, expect, self.arguments.authority, fields))

    def is_open(self):
        return len(self.hops) == len(self.plan) and self.hops[-1].stage == "open"

    def move(self):
        """Moves bytes between the layers until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for outer, inner in zip(self.hops, self.hops[1:]):
                data = outer.take()
                if data or outer.peer_ended and not inner.is_over() and not inner.stopped:
                    inner.stopped = outer.peer_ended and not data
                    outer.taken(len(data))
                    inner.receive(data)
                    moved = True
                sent = inner.below()
                if sent:
                    outer.send(sent)
                    moved = True
            if self.hops[-1].stage == "open" and len(self.hops) < len(self.plan):
                self.deepen()
                moved = True
        self.for_link += self.hops[0].below()
        if self.is_open():
            self.for_output += self.hops[-1].take()

        if self.is_open() and self.hops[-1].peer_ended and not self.for_output and self.has_output:
            self.has_output = False
            os.close(1)  # [HBONE-L-001]

    def is_over(self):
        return not self.has_output and self.hops[-1].is_over()

    def run(self):
        self.move()
        while not self.is_over():
            now = time.monotonic()
            for hop in self.hops:
                hop.tick(now, self.arguments.timeout)
            self.move()
            for stream, events in self.wait():
                if stream is self.link:
                    self.serve_link(events)
                elif stream == 0:
                    self.read_input()
                else:
                    self.write_output()
                self.move()
        self.say_goodbye()

    def wait(self):
        hop = self.hops[-1]
        wants_input = self.has_input and self.is_open() and len(hop.to_send) < STREAM_WINDOW
        backlog = len(self.for_link) < 4 * STREAM_WINDOW
        self.watch(self.link, selectors.EVENT_READ * backlog | selectors.EVENT_WRITE * bool(self.for_link))
        self.watch(0, selectors.EVENT_READ * bool(wants_input and backlog))
        self.watch(1, selectors.EVENT_WRITE * bool(self.for_output))
        return [(key.fileobj, events) for key, events in self.selector.select(0.2)]

    def watch(self, stream, events):
        is_watched = stream in self.selector.get_map()
        if events and is_watched:
            self.selector.modify(stream, events)
        elif events:
            self.selector.register(stream, events)
        elif is_watched:
            self.selector.unregister(stream)

    def serve_link(self, events):
        if events & selectors.EVENT_READ:
            try:
                self.hops[0].receive(self.link.recv(65536))
            except BlockingIOError:
                pass
            except OSError as error:
                raise Failure(f"the connection is lost: {error}") from error
        if events & selectors.EVENT_WRITE and self.for_link:
            try:
                del self.for_link[: self.link.send(self.for_link)]
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise Failure(f"the connection is lost: {error}") from error
                self.for_link.clear()  # what the server said before it left is still to be read

    def read_input(self):
        data = os.read(0, 65536)
        self.has_input = bool(data)
        if data:
            self.hops[-1].send(data)
        else:
            self.hops[-1].finish()  # [HBONE-L-001]

    def write_output(self):
        try:
            count = os.write(1, self.for_output)
        except BlockingIOError:
            return
        except OSError as error:
            self.hops[-1].reset(CONNECT_ERROR)  # [HBONE-L-003]
            raise Failure(f"standard output: {error}") from error
        del self.for_output[:count]
        self.hops[-1].taken(count)

    def deliver_rest(self, patience=5):
        """What came before a failure is the application's: [HBONE-L-006]."""
        if not self.is_open():
            return
        self.for_output += self.hops[-1].take()
        until = time.monotonic() + patience
        while self.for_output and time.monotonic() < until:
            if select.select([], [1], [], 0.2)[1]:
                self.write_output()

    def say_goodbye(self, patience=1):
        """Sends what is left, and close_notify, from the innermost layer outwards, for a moment."""
        for depth in reversed(range(len(self.hops))):
            hop = self.hops[depth]
            try:
                hop.tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass
            if depth:
                self.hops[depth - 1].send(hop.below())
                self.hops[depth - 1].finish()
        self.for_link += self.hops[0].below()
        self.link.settimeout(patience)
        try:
            self.link.sendall(self.for_link)
        except OSError:
            pass


def parsed():
    parser = argparse.ArgumentParser(description="Opens one HBONE tunnel on standard input and output.")
    parser.add_argument("--via", required=True, metavar="ADDR", help="the server, or the gateway of the other network")
    for name in ("cert", "key", "ca"):
        parser.add_argument(f"--{name}", required=True, metavar="FILE")
    parser.add_argument("--peer-id", required=True, metavar="ID", help="who must be at the end of the tunnel")
    parser.add_argument("--gateway-id", metavar="ID", help="who must be the gateway; makes the tunnel a double one")
    parser.add_argument("--baggage", default="", metavar="TEXT", help="our own attributes")
    parser.add_argument("--network", default="", metavar="NAME", help="our own network")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="for each stage until the tunnel is open")
    parser.add_argument("authority", help="ADDRESS:PORT or NAME:PORT")
    return parser.parse_args()


def main():
    arguments = parsed()
    os.set_blocking(1, False)
    try:
        try:
            hops = tunnel(arguments)
        except NotTaken:
            hops = tunnel(arguments)
    except (Failure, OSError) as failure:
        print(f"client.py: {failure}", file=sys.stderr)
        return 1
    for hop in hops:
        print(f"client.py: {hop.expect} says {hop.answer['baggage']!r}", file=sys.stderr)
    return 0


def tunnel(arguments):
    host, _, port = arguments.via.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=arguments.timeout) as link:
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(arguments, link)
        try:
            client.run()
        except Failure:
            client.say_goodbye()
            client.deliver_rest()
            raise
        return client.hops


if __name__ == "__main__":
    sys.exit(main())
