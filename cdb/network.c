#include "cdb/network.h"

#include "lib/endpoint.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool
network_v4(const struct network *n)
{
	return n->bits >= NETWORK_V4 && !memcmp(n->address, mapped, 12);
}

void
network_cut(struct network *n)
{
	size_t whole = n->bits / 8;

	if (whole == sizeof n->address)
		return;
	n->address[whole] &= (uint8_t) ~(0xff >> n->bits % 8);
	memset(n->address + whole + 1, 0, sizeof n->address - whole - 1);
}

enum network_result
network_parse(struct network *n, struct slice s)
{
	size_t slash = slice_find(s, '/');
	struct endpoint e;
	struct network cut;
	uint64_t bits, most;

	if (endpoint_parse(&e, slice_of(s.at, slash), 1) != 0)
		return NETWORK_BAD;
	endpoint_address(&e, n->address);
	bits = most = e.a.any.sa_family == AF_INET ? 32 : NETWORK_BITS;
	if (slash < s.len &&
	    slice_number(slice_from(s, slash + 1), most, &bits) != 0)
		return NETWORK_BAD;
	n->bits = (uint8_t)(bits + NETWORK_BITS - most);
	cut = *n;
	network_cut(&cut);
	if (!memcmp(cut.address, n->address, sizeof cut.address))
		return NETWORK_GOOD;
	*n = cut;
	return NETWORK_STRAY;
}

void
network_key(const struct network *n, char key[NETWORK_KEY])
{
	key[0] = (char)n->bits;
	memcpy(key + 1, n->address, sizeof n->address);
}

void
network_text(const struct network *n, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = network_v4(n);

	inet_ntop(v4 ? AF_INET : AF_INET6, n->address + (v4 ? 12 : 0), text,
		  sizeof text);
	buf_text(out, text);
	buf_putc(out, '/');
	buf_number(out, v4 ? n->bits - NETWORK_V4 : n->bits);
}
