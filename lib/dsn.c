#include "lib/dsn.h"

#include "lib/netstring.h"

static bool
key_of(struct slice param, const char *key, struct slice *value)
{
	size_t eq = slice_find(param, '=');

	if (eq == param.len ||
	    !slice_eq(slice_of(param.at, eq), slice_text(key)))
		return false;
	*value = slice_from(param, eq + 1);
	return true;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* Printable, without '=', and '+' only in front of two digits. */
static bool
is_xtext(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.at[i] < '!' || s.at[i] > '~' || s.at[i] == '=')
			return false;
		if (s.at[i] != '+')
			continue;
		if (s.len - i < 3 || !is_hex(s.at[i + 1]) ||
		    !is_hex(s.at[i + 2]))
			return false;
		i += 2;
	}
	return s.len > 0;
}

static bool
is_notify(struct slice s)
{
	static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
	bool seen[3] = {false};
	struct slice word;
	size_t i;

	if (slice_eq(s, SLICE("NEVER")))
		return true;
	for (;;) {
		word = slice_of(s.at, slice_find(s, ','));
		for (i = 0; i < 3; i++)
			if (slice_eq(word, slice_text(words[i])))
				break;
		if (i == 3 || seen[i])
			return false;
		seen[i] = true;
		if (word.len == s.len)
			return true;
		s = slice_from(s, word.len + 1);
	}
}

/* The type is an atom of RFC 3461's registry: rfc822, utf-8, x400. */
static bool
is_orcpt(struct slice s)
{
	size_t semicolon = slice_find(s, ';'), i;

	if (semicolon == 0 || semicolon == s.len || s.len > DSN_ORCPT_MAX)
		return false;
	for (i = 0; i < semicolon; i++)
		if (!((s.at[i] >= '0' && s.at[i] <= '9') ||
		      (s.at[i] >= 'a' && s.at[i] <= 'z') ||
		      (s.at[i] >= 'A' && s.at[i] <= 'Z') || s.at[i] == '-'))
			return false;
	return is_xtext(slice_from(s, semicolon + 1));
}

bool
dsn_of_message(struct slice param)
{
	struct slice value;

	if (key_of(param, "ret", &value))
		return slice_eq(value, SLICE("FULL")) ||
		       slice_eq(value, SLICE("HDRS"));
	return key_of(param, "envid", &value) && value.len <= DSN_ENVID_MAX &&
	       is_xtext(value);
}

bool
dsn_of_rcpt(struct slice param)
{
	struct slice value;

	if (key_of(param, "notify", &value))
		return is_notify(value);
	return key_of(param, "orcpt", &value) && is_orcpt(value);
}

void
dsn_attr_put(struct buf *out, struct slice key, size_t n)
{
	buf_puts(out, key);
	buf_putc(out, '.');
	buf_number(out, n);
}

void
dsn_pick(struct buf *out, struct slice attrs)
{
	struct slice one;

	while (netstring_slice(&attrs, &one) == 0)
		if (dsn_of_message(one))
			netstring_put(out, one);
}

bool
dsn_attr_split(struct slice attr, struct slice *key, size_t *n,
	       struct slice *value)
{
	size_t dot = slice_find(attr, '.'), eq = slice_find(attr, '=');
	struct buf param = {0};
	uint64_t number;
	bool good;

	if (dot >= eq || eq == attr.len ||
	    (attr.at[dot + 1] == '0' && eq - dot > 2) ||
	    slice_number(slice_of(attr.at + dot + 1, eq - dot - 1), UINT32_MAX,
			 &number) != 0)
		return false;
	*key = slice_of(attr.at, dot);
	*n = (size_t)number;
	*value = slice_from(attr, eq);
	buf_puts(&param, *key);
	buf_puts(&param, *value);
	good = dsn_of_rcpt(buf_slice(&param));
	buf_free(&param);
	return good;
}

static void
pick_numbered(struct buf *out, struct slice attr, size_t n)
{
	struct slice key, value;
	struct buf param = {0};
	size_t number;

	if (!dsn_attr_split(attr, &key, &number, &value) || number != n)
		return;
	buf_puts(&param, key);
	buf_puts(&param, value);
	netstring_put(out, buf_slice(&param));
	buf_free(&param);
}

void
dsn_pick_rcpt(struct buf *out, struct slice attrs, size_t n)
{
	struct slice one;

	while (netstring_slice(&attrs, &one) == 0)
		pick_numbered(out, one, n);
}
