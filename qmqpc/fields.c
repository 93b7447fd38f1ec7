#include "qmqpc/fields.h"

#include "lib/address.h"
#include "lib/trace.h"
#include "qmqpc/header.h"

enum { WORD_MAX = 45 }; /* bytes of UTF-8 in an encoded word of 75 */

/* The length of the UTF-8 character at i; 0 when there is none. */
static size_t
utf8_len(struct slice s, size_t i)
{
	uint8_t first = (uint8_t)s.at[i];
	size_t len = first < 0x80		     ? 1
		     : first >= 0xc2 && first < 0xe0 ? 2
		     : first >= 0xe0 && first < 0xf0 ? 3
		     : first >= 0xf0 && first < 0xf5 ? 4
						     : 0;
	size_t k;

	if (len == 0 || len > s.len - i)
		return 0;
	for (k = 1; k < len; k++)
		if (((uint8_t)s.at[i + k] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool
is_ascii(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((uint8_t)s.at[i] >= 0x80)
			return false;
	return true;
}

static bool
is_utf8(struct slice s)
{
	size_t i, len;

	for (i = 0; i < s.len; i += len)
		if ((len = utf8_len(s, i)) == 0)
			return false;
	return true;
}

static char
safe(char c)
{
	return (uint8_t)c < 0x20 || c == 0x7f ? '?' : c;
}

static void
put_base64(struct buf *out, const uint8_t *at, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i += 3) {
		unsigned v = (unsigned)at[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)at[i + 1] << 8;
		if (i + 2 < n)
			v |= at[i + 2];
		buf_putc(out, digits[v >> 18]);
		buf_putc(out, digits[v >> 12 & 63]);
		buf_putc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_putc(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

static void
put_words(struct buf *out, struct slice name)
{
	uint8_t bytes[WORD_MAX];
	size_t i = 0, n, len;

	while (i < name.len) {
		if (i > 0)
			buf_text(out, "\n ");
		for (n = 0; i < name.len; i += len) {
			len = utf8_len(name, i);
			if (n + len > sizeof bytes)
				break;
			memcpy(bytes + n, name.at + i, len);
			if (len == 1)
				bytes[n] = (uint8_t)safe((char)bytes[n]);
			n += len;
		}
		buf_text(out, "=?UTF-8?B?");
		put_base64(out, bytes, n);
		buf_text(out, "?=");
	}
}

static void
put_quoted(struct buf *out, struct slice name)
{
	size_t i;

	buf_putc(out, '"');
	for (i = 0; i < name.len; i++) {
		char c = safe(name.at[i]);

		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, (uint8_t)c < 0x80 ? c : '?');
	}
	buf_putc(out, '"');
}

/* Cut it, but not inside of a character. */
static struct slice
shorten(struct slice name)
{
	if (name.len <= FIELDS_NAME_MAX)
		return name;
	name.len = FIELDS_NAME_MAX;
	while (name.len > FIELDS_NAME_MAX - 4 &&
	       ((uint8_t)name.at[name.len] & 0xc0) == 0x80)
		name.len--;
	return name;
}

void
fields_phrase(struct buf *out, struct slice name)
{
	name = shorten(name);
	if (!is_ascii(name) && is_utf8(name))
		put_words(out, name);
	else
		put_quoted(out, name);
}

static void
put_from(struct buf *out, const char *prefix, const struct fields *f)
{
	buf_text(out, prefix);
	buf_text(out, "From: ");
	if (f->name.len > 0) {
		fields_phrase(out, f->name);
		buf_putc(out, ' ');
	}
	buf_putc(out, '<');
	address_put_quoted(out, f->address);
	buf_text(out, ">\n");
}

static void
put_date(struct buf *out, const char *prefix, const struct fields *f)
{
	buf_text(out, prefix);
	buf_text(out, "Date: ");
	trace_date(out, f->now_s);
	buf_putc(out, '\n');
}

static void
put_id(struct buf *out, const char *prefix, const struct fields *f)
{
	size_t i;

	buf_text(out, prefix);
	buf_text(out, "Message-ID: <");
	for (i = 0; i < FIELDS_RANDOM; i++)
		buf_hex(out, 2, f->random[i]);
	buf_putc(out, '@');
	buf_puts(out, f->me);
	buf_text(out, ">\n");
}

void
fields_missing(struct buf *out, unsigned seen, const struct fields *f)
{
	if (seen & HEADER_RESENT) {
		if (!(seen & HEADER_RESENT_DATE))
			put_date(out, "Resent-", f);
		if (!(seen & HEADER_RESENT_MESSAGE_ID))
			put_id(out, "Resent-", f);
		if (!(seen & HEADER_RESENT_FROM))
			put_from(out, "Resent-", f);
	}
	if (!(seen & HEADER_DATE))
		put_date(out, "", f);
	if (!(seen & HEADER_MESSAGE_ID))
		put_id(out, "", f);
	if (!(seen & HEADER_FROM))
		put_from(out, "", f);
}
