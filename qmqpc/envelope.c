#include "qmqpc/envelope.h"

#include "qmqpc/addrlist.h"

static bool
is_plain(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((uint8_t)s.at[i] <= 0x20 || s.at[i] == 0x7f ||
		    strchr("\"(),:;<>\\", s.at[i]))
			return false;
	return s.len > 0;
}

int
envelope_qualified(struct buf *out, struct slice address, bool has_domain,
		   struct slice me)
{
	size_t before = out->len;

	buf_puts(out, address);
	if (!has_domain) {
		buf_putc(out, '@');
		buf_puts(out, me);
	}
	if (address_sane(slice_from(buf_slice(out), before)))
		return 0;
	buf_cut(out, before);
	return -1;
}

/* Neither a list nor an address has a second line. */
static bool
is_line(struct slice s)
{
	return slice_find(s, '\n') == s.len && slice_find(s, '\r') == s.len;
}

/* Hand each address of a list to found; 0 when that liked them all. */
static int
each(struct slice list, struct slice me,
     int (*found)(void *to, struct slice address), void *to)
{
	struct addrlist a = {0};
	struct buf whole = {0};
	enum addrlist_event event;
	size_t i;
	int r = 0;

	for (i = 0; i <= list.len && r == 0; i++) {
		event = i < list.len ? addrlist_push(&a, (uint8_t)list.at[i])
				     : addrlist_end(&a);
		if (event == ADDRLIST_BAD)
			r = -1;
		if (event != ADDRLIST_ADDRESS)
			continue;
		buf_clear(&whole);
		r = envelope_qualified(&whole, slice_of(a.address, a.len),
				       a.has_domain, me);
		if (r == 0)
			r = found(to, buf_slice(&whole));
	}
	buf_free(&whole);
	return r;
}

/* A plain argument is one address: with a domain it must have a local part
 * and a name behind the last "@". */
static int
one(struct slice argument, struct slice me,
    int (*found)(void *to, struct slice address), void *to)
{
	struct slice local, domain;
	struct buf whole = {0};
	bool has_domain = address_split(argument, &local, &domain);
	int r = -1;

	if (local.len > 0 && (!has_domain || domain.len > 0))
		r = envelope_qualified(&whole, argument, has_domain, me);
	if (r == 0)
		r = found(to, buf_slice(&whole));
	buf_free(&whole);
	return r;
}

static int
add_rcpt(void *to, struct slice address)
{
	rcpts_add(to, address);
	return 0;
}

int
envelope_rcpts(struct rcpts *r, struct slice argument, struct slice me)
{
	size_t before = r->wire.len;

	argument = slice_trim(argument);
	if (is_plain(argument))
		return one(argument, me, add_rcpt, r);
	if (!is_line(argument) || each(argument, me, add_rcpt, r) != 0)
		return -1;
	return r->wire.len > before || r->is_full ? 0 : -1;
}

static int
set_sender(void *to, struct slice address)
{
	struct buf *out = to;

	if (out->len > 0)
		return -1;
	buf_puts(out, address);
	return 0;
}

int
envelope_sender(struct buf *out, struct slice argument, struct slice me)
{
	argument = slice_trim(argument);
	if (argument.len == 0 || slice_eq(argument, SLICE("<>")))
		return 0;
	if (is_plain(argument))
		return one(argument, me, set_sender, out);
	if (!is_line(argument) || each(argument, me, set_sender, out) != 0)
		return -1;
	return out->len > 0 ? 0 : -1;
}
