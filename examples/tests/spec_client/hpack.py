"""HPACK (RFC 7541), as much of it as a client needs that sends one request."""

# Appendix B is a canonical code: the lengths say it all. One for each octet, and that of EOS.
LENGTHS = (
    [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30] + [28] * 8 + [30] + [28] * 9
    + [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10]
    + [13, 6] + [7] * 22 + [8, 7, 8, 13, 19, 13, 14, 6]
    + [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28]
    + [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24]
    + [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23]
    + [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27]
    + [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26]
    + [30]
)
EOS = 256

# Appendix A. `name` or `name value`.
STATIC = """:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204
:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language
accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding
content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match
if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate
proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent
vary|via|www-authenticate"""
STATIC = [tuple((field + " ").split(" ", 1)) for line in STATIC.splitlines() for field in line.split("|")]
STATIC = [(name.encode(), value.rstrip().encode()) for name, value in STATIC]


class Malformed(Exception):
    """A COMPRESSION_ERROR of the connection."""


def canonical_code():
    """(length, code) -> symbol."""
    table, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(LENGTHS)):
        code <<= length - before
        table[length, code] = symbol
        code, before = code + 1, length
    return table


HUFFMAN = canonical_code()


def huffman_decoded(data):
    out, code, length = bytearray(), 0, 0
    for octet in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | octet >> bit & 1, length + 1
            symbol = HUFFMAN.get((length, code))
            if symbol == EOS or length > 30:
                raise Malformed("a Huffman code that must not be there")
            if symbol is not None:
                out.append(symbol)
                code, length = 0, 0
    if length > 7 or code != (1 << length) - 1:
        raise Malformed("padding that is not the beginning of EOS")
    return bytes(out)


def encoded_length(length):
    if length < 127:
        return bytes([length])
    out, rest = bytearray([127]), length - 127
    while rest >= 128:
        out.append(rest % 128 + 128)
        rest //= 128
    out.append(rest)
    return bytes(out)


def encoded(fields):
    """Each field as a literal that is not indexed, in plain octets (section 6.2.2)."""
    out = bytearray()
    for name, value in fields:
        for text in (name, value):
            if text is name:
                out.append(0)
            octets = text.encode("ascii")
            out += encoded_length(len(octets)) + octets
    return bytes(out)


class Decoder:
    """The decoder of one connection: its dynamic table outlives the field sections."""

    MOST = 4096  # SETTINGS_HEADER_TABLE_SIZE as it is unless announced otherwise

    def __init__(self):
        self.table, self.limit = [], self.MOST

    def decode(self, block):
        self.block, self.at = block, 0
        fields = []
        while self.at < len(block):
            first = block[self.at]
            if first & 0x80:
                fields.append(self.entry(self.integer(7)))
            elif first & 0xE0 == 0x20:
                self.limit = self.integer(5)
                if fields or self.limit > self.MOST:
                    raise Malformed("a change of the table's size")
                self.evict()
            elif first & 0x40:
                field = self.literal(6)
                fields.append(field)
                self.table.insert(0, field)
                self.evict()
            else:
                fields.append(self.literal(4))
        return fields

    def evict(self):
        size = sum(len(name) + len(value) + 32 for name, value in self.table)
        while size > self.limit:
            name, value = self.table.pop()
            size -= len(name) + len(value) + 32

    def entry(self, index):
        table = STATIC + self.table
        if not 1 <= index <= len(table):
            raise Malformed("an index beyond the tables")
        return table[index - 1]

    def literal(self, prefix):
        index = self.integer(prefix)
        name = self.entry(index)[0] if index else self.text()
        return name, self.text()

    def text(self):
        is_huffman = self.octet(self.at) & 0x80
        length = self.integer(7)
        data = self.block[self.at : self.at + length]
        if len(data) < length:
            raise Malformed("a string that ends early")
        self.at += length
        return huffman_decoded(data) if is_huffman else data

    def integer(self, prefix):
        most = (1 << prefix) - 1
        value = self.octet(self.at) & most
        self.at += 1
        if value < most:
            return value
        for shift in (0, 7, 14, 21):
            octet = self.octet(self.at)
            self.at += 1
            value += (octet & 0x7F) << shift
            if not octet & 0x80:
                return value
        raise Malformed("an integer of too many octets")

    def octet(self, at):
        if at >= len(self.block):
            raise Malformed("a block that ends early")
        return self.block[at]
