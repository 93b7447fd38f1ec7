/* proxy - the head that a load balancer sends, at every cut, and by a second
 * reading; and the look ahead into a TLS hello, which is bytes of strangers
 * too */
#include "lib/proxy.h"
#include "lib/tls_hello.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* Returns  the bytes taken; *last what was said last. */
static size_t
run(struct slice in, struct fuzz_cuts *cuts, struct proxy *p,
    enum proxy_result *last)
{
	size_t at = 0;

	*p = (struct proxy){.n_bytes = 0};
	*last = PROXY_MORE;
	while (at < in.len && *last == PROXY_MORE) {
		size_t wants = proxy_wants(p), n = in.len - at;
		char *copy;

		fuzz_check(wants > 0);
		n = n < wants ? n : wants;
		n = cuts ? fuzz_cut(cuts, n) : n;
		copy = fuzz_exact(slice_of(in.at + at, n));
		*last = proxy_push(p, slice_of(copy, n));
		free(copy);
		at += n;
	}
	if (*last != PROXY_MORE)
		fuzz_check(proxy_wants(p) == 0);
	if (*last == PROXY_BAD)
		fuzz_check(proxy_push(p, SLICE("")) == PROXY_BAD);
	return at;
}

/* The whole of a good header in front: its length; 0: there is none. */
static size_t
header(struct slice in, struct slice *addresses)
{
	const uint8_t *b = (const uint8_t *)in.at;
	size_t len, least;

	if (!slice_starts(in, SLICE("\r\n\r\n\0\r\nQUIT\n")) || in.len < 16 ||
	    (b[12] != 0x20 && b[12] != 0x21))
		return 0;
	len = (size_t)(b[14] << 8 | b[15]);
	least = b[12] == 0x20	? 0
		: b[13] == 0x11 ? 12
		: b[13] == 0x21 ? 36
		: b[13] == 0x31 ? 216
				: 0;
	if (b[12] == 0x21 && b[13] != 0 && least == 0)
		return 0;
	if (len < least || in.len < 16 + len)
		return 0;
	*addresses = slice_of(in.at + 16, 0);
	if (least == 12 || least == 36)
		addresses->len = least;
	return 16 + len;
}

static void
second_reading(struct slice in, enum proxy_result r, size_t used,
	       const struct proxy *p)
{
	struct slice addresses = SLICE("");
	size_t whole = header(in, &addresses);
	uint8_t address[16];

	fuzz_check((whole > 0) == (r == PROXY_DONE));
	if (r != PROXY_DONE)
		return;
	fuzz_check(used == whole && proxy_begins(in));
	fuzz_check(p->has_peer == (addresses.len > 0));
	if (!p->has_peer)
		return;
	fuzz_check(endpoint_address(&p->peer, address) == 0);
	if (addresses.len == 12)
		fuzz_check(!memcmp(address + 12, addresses.at, 4));
	else
		fuzz_check(!memcmp(address, addresses.at, 16));
	fuzz_check(endpoint_port(&p->peer) ==
		   (uint16_t)((uint8_t)addresses.at[addresses.len - 4] << 8 |
			      (uint8_t)addresses.at[addresses.len - 3]));
}

static void
proxy(struct slice in, struct fuzz_cuts *cuts)
{
	enum proxy_result a, b;
	struct proxy p, q;
	size_t used = run(in, NULL, &p, &a);
	size_t cut = run(in, cuts, &q, &b);

	fuzz_check(a == b || (a == PROXY_BAD) == (b == PROXY_BAD));
	fuzz_check(a != PROXY_DONE || (b == PROXY_DONE && used == cut));
	fuzz_check(p.has_peer == q.has_peer);
	if (p.has_peer)
		fuzz_check(p.peer.len == q.peer.len &&
			   !memcmp(&p.peer.a, &q.peer.a, p.peer.len));
	second_reading(in, a, used, &p);
}

static void
hello(struct slice in)
{
	static const char *const names[] = {"quail/1", "x"};
	char *copy = fuzz_exact(in);
	struct slice all = slice_of(copy, in.len);

	if (tls_hello_fits(all, names, 2) && in.len > 0)
		/* all of it was read: it does not fit without its end */
		fuzz_check(
		    !tls_hello_fits(slice_of(copy, in.len - 1), names, 2) ||
		    !memmem(copy, in.len, "\0\x10", 2));
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);

	if (fuzz_byte(&in) & 1)
		hello(in);
	else
		proxy(in, &cuts);
	return 0;
}
