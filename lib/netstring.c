#include "lib/netstring.h"

enum netstring_result
netstring_head_push(struct netstring_head *h, uint8_t byte)
{
	if (byte == ':')
		return h->digits > 0 ? NETSTRING_DONE : NETSTRING_BAD;
	if (byte < '0' || byte > '9')
		return NETSTRING_BAD;
	if (h->digits == NETSTRING_DIGITS_MAX)
		return NETSTRING_BAD;
	if (h->digits > 0 && h->len == 0) /* a leading zero */
		return NETSTRING_BAD;
	h->len = h->len * 10 + (uint64_t)(byte - '0');
	h->digits++;
	return NETSTRING_MORE;
}

void
netstring_head_put(struct buf *b, uint64_t len)
{
	buf_number(b, len);
	buf_putc(b, ':');
}

void
netstring_put(struct buf *b, struct slice s)
{
	netstring_head_put(b, s.len);
	buf_puts(b, s);
	buf_putc(b, ',');
}

int
netstring_slice(struct slice *rest, struct slice *r)
{
	struct netstring_head h = {0, 0};
	enum netstring_result got = NETSTRING_MORE;
	size_t i = 0;

	while (got == NETSTRING_MORE) {
		if (i == rest->len)
			return -1;
		got = netstring_head_push(&h, (uint8_t)rest->at[i++]);
	}
	if (got == NETSTRING_BAD || h.len >= rest->len - i)
		return -1;
	if (rest->at[i + h.len] != ',')
		return -1;
	*r = slice_of(rest->at + i, (size_t)h.len);
	*rest = slice_from(*rest, i + (size_t)h.len + 1);
	return 0;
}
