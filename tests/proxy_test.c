/* proxy_test - PROXY headers, at every cut */
#include "lib/proxy.h"

#include "tests/tap.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* Push up to its end in pieces; what it says, and how much it took. */
static enum proxy_result
push(struct proxy *p, struct slice bytes, size_t piece, size_t *taken)
{
	enum proxy_result r = PROXY_MORE;

	*p = (struct proxy){0};
	*taken = 0;
	while (r == PROXY_MORE && *taken < bytes.len) {
		size_t n = proxy_wants(p);

		if (n > piece)
			n = piece;
		if (n > bytes.len - *taken)
			n = bytes.len - *taken;
		r = proxy_push(p, slice_of(bytes.at + *taken, n));
		*taken += n;
	}
	return r;
}

/* At every cut the same: done behind len - extra bytes, and whose it is. */
static void
good(struct slice bytes, size_t extra, const char *host, uint16_t port,
     const char *what)
{
	struct buf text = {0};
	struct proxy p;
	size_t piece, taken;
	bool fine = true;

	for (piece = 1; piece <= bytes.len; piece++) {
		enum proxy_result r = push(&p, bytes, piece, &taken);

		buf_clear(&text);
		if (p.has_peer)
			endpoint_host(&p.peer, &text);
		if (r != PROXY_DONE || taken != bytes.len - extra ||
		    proxy_wants(&p) != 0 || p.has_peer != (host != NULL) ||
		    (host && (!slice_eq(buf_slice(&text), slice_text(host)) ||
			      endpoint_port(&p.peer) != port)))
			fine = false;
	}
	ok(fine, "%s", what);
	buf_free(&text);
}

static void
bad(struct slice bytes, size_t where, const char *what)
{
	struct proxy p;
	size_t piece, taken;
	bool fine = true;

	for (piece = 1; piece <= bytes.len; piece++) {
		enum proxy_result r = push(&p, bytes, piece, &taken);

		fine = fine && r == PROXY_BAD && taken >= where &&
		       taken < where + piece && !p.has_peer &&
		       proxy_wants(&p) == 0 &&
		       proxy_push(&p, SLICE("")) == PROXY_BAD;
	}
	ok(fine, "%s", what);
}

static void
cut_off(struct slice bytes)
{
	struct proxy p;
	size_t len, taken;
	bool fine = true;

	for (len = 1; len < bytes.len; len++)
		fine = fine &&
		       push(&p, slice_of(bytes.at, len), len, &taken) ==
			   PROXY_MORE &&
		       proxy_wants(&p) > 0 && !p.has_peer;
	ok(fine, "nothing is known before its end");
}

static void
test_long(void)
{
	static char bytes[16 + 65535] = SIGNATURE "\x21\x11\xff\xff";
	struct proxy p;
	size_t taken;

	ok(push(&p, slice_of(bytes, sizeof bytes), 1000, &taken) ==
		   PROXY_DONE &&
	       taken == sizeof bytes && p.has_peer,
	   "as long as can be");
}

int
main(void)
{
	static const char v4[] = SIGNATURE "\x21\x11\0\x0c"
					   "\xc0\0\x02\x07\x0a\0\0\x01"
					   "\x30\x39\x02\x74"
					   "next";
	static const char v6[] =
	    SIGNATURE "\x21\x21\0\x24 \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
		      "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
		      "\x30\x39\x02\x74"
		      "next";
	static const char tlv[] = SIGNATURE "\x21\x11\0\x13"
					    "\xc0\0\x02\x07\x0a\0\0\x01"
					    "\x30\x39\x02\x74"
					    "\x04\0\x04"
					    "abcd"
					    "n";
	static const char local[] = SIGNATURE "\x20\0\0\0"
					      "n";
	static const char local_more[] = SIGNATURE "\x20\x11\0\x03"
						   "xyz";
	static const char unspec[] = SIGNATURE "\x21\0\0\x02"
					       "xy"
					       "n";
	static char of_unix[16 + 216 + 1] = SIGNATURE "\x21\x31\0\xd8";
	static const char mapped[] =
	    SIGNATURE "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07"
		      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
		      "\x30\x39\x02\x74";

	good(slice_of(v4, sizeof v4 - 1), 4, "192.0.2.7", 12345, "IPv4");
	good(slice_of(v6, sizeof v6 - 1), 4, "2001:db8::7", 12345, "IPv6");
	good(slice_of(mapped, sizeof mapped - 1), 0, "192.0.2.7", 12345,
	     "IPv4 in IPv6");
	good(slice_of(tlv, sizeof tlv - 1), 1, "192.0.2.7", 12345, "TLVs");
	good(slice_of(local, sizeof local - 1), 1, NULL, 0, "LOCAL");
	good(slice_of(local_more, sizeof local_more - 1), 0, NULL, 0,
	     "LOCAL with addresses that mean nothing");
	good(slice_of(unspec, sizeof unspec - 1), 1, NULL, 0, "UNSPEC");
	good(slice_of(of_unix, sizeof of_unix - 1), 0, NULL, 0,
	     "a unix socket");
	cut_off(slice_of(v4, sizeof v4 - 5));
	cut_off(slice_of(tlv, sizeof tlv - 2));
	bad(SLICE(SIGNATURE "\x11\x11\0\x0c"), 16, "version 1");
	bad(SLICE(SIGNATURE "\x22\x11\0\x0c"), 16, "an unknown command");
	bad(SLICE(SIGNATURE "\x21\x12\0\x0c"), 16, "UDP");
	bad(SLICE(SIGNATURE "\x21\x41\0\x0c"), 16, "an unknown family");
	bad(SLICE(SIGNATURE "\x21\x11\0\x0b"), 16, "too short for IPv4");
	bad(SLICE(SIGNATURE "\x21\x21\0\x23"), 16, "too short for IPv6");
	bad(SLICE(SIGNATURE "\x21\x31\0\xd7"), 16, "too short for unix");
	bad(SLICE("\r\n\r\n\0\r\nQUIZ\n    "), 11, "another signature");
	bad(SLICE("PROXY TCP4 192.0.2.7"), 1, "the line of text");
	bad(SLICE("42:12:hello world\n"), 1, "a message");
	test_long();
	ok(proxy_begins(SLICE(SIGNATURE "\x21")) &&
	       proxy_begins(SLICE("\r\n\r\n")) &&
	       !proxy_begins(SLICE("\r\n\r")) &&
	       !proxy_begins(SLICE("\r\n\r\nQ")),
	   "where there should be none");
	return tap_done();
}
