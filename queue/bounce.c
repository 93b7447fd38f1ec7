#include "queue/bounce.h"

#include "lib/address.h"
#include "lib/die.h"
#include "lib/netstring.h"
#include "lib/trace.h"

#include <stdlib.h>

/* failures */

static void
set_bit(struct failures *f, uint32_t index)
{
	size_t want = index / 8 + 1;

	if (f->bits.len < want) {
		size_t more = want - f->bits.len;

		memset(buf_room(&f->bits, more), 0, more);
		buf_added(&f->bits, more);
	}
	f->bits.mem[f->bits.off + index / 8] |= (char)(1 << index % 8);
}

void
failures_add(struct message *m, uint32_t index, const struct verdict *v)
{
	if (!m->failures) {
		m->failures = calloc(1, sizeof *m->failures);
		if (!m->failures)
			die_nomem();
	}
	m->failures->n++;
	buf_put(&m->failures->indices, &index, sizeof index);
	netstring_put(&m->failures->texts, verdict_text(v));
	set_bit(m->failures, index);
}

uint32_t
failures_index(const struct failures *f, uint32_t i)
{
	uint32_t index;

	memcpy(&index, f->indices.mem + f->indices.off + i * sizeof index,
	       sizeof index);
	return index;
}

bool
failures_have(const struct message *m, uint32_t index)
{
	struct slice bits;

	if (!m->failures)
		return false;
	bits = buf_slice(&m->failures->bits);
	return index / 8 < bits.len && bits.at[index / 8] >> index % 8 & 1;
}

struct failures *
failures_take(struct message *m)
{
	struct failures *f = m->failures;

	m->failures = NULL;
	return f;
}

void
failures_release(struct failures *f)
{
	if (!f)
		return;
	buf_free(&f->indices);
	buf_free(&f->texts);
	buf_free(&f->bits);
	free(f);
}

void
failures_free(struct message *m)
{
	failures_release(failures_take(m));
}

/* names */

static struct slice
text_or(const struct config *c, const char *table, struct slice otherwise)
{
	struct slice value;

	return config_text(c, table, &value) ? value : otherwise;
}

void
bounce_names(const struct config *c, struct bounce_names *names)
{
	struct slice me = config_me(c);

	names->me = me;
	names->from = text_or(c, "bouncefrom", SLICE("MAILER-DAEMON"));
	names->from_host = text_or(c, "bouncehost", me);
	names->postmaster = text_or(c, "doublebounceto", SLICE("postmaster"));
	names->postmaster_host = text_or(c, "doublebouncehost", me);
}

bool
bounce_address(struct slice sender, const struct bounce_names *names,
	       struct buf *to, struct slice *from)
{
	const struct slice verp = SLICE("-@[]");

	*from = SLICE("");
	if (slice_eq(sender, SLICE("#@[]")))
		return false;
	if (sender.len == 0) {
		buf_puts(to, names->postmaster);
		buf_putc(to, '@');
		buf_puts(to, names->postmaster_host);
		*from = SLICE("#@[]");
		return true;
	}
	if (sender.len > verp.len &&
	    slice_eq(slice_from(sender, sender.len - verp.len), verp)) {
		/* list-@host-@[] becomes list-@host */
		sender.len -= verp.len;
	}
	buf_puts(to, sender);
	return true;
}

/* the text */

/* The recipients that failed, found in one walk through the envelope: there
 * may be ten thousand. */
struct failed {
	struct slice *rcpts; /* by index */
	uint32_t n;
};

static void
failed_init(struct failed *all, const struct bounce *b)
{
	struct slice list = b->envelope->rcpts;
	uint32_t i;

	all->n = b->message->n_rcpts;
	all->rcpts = calloc(all->n ? all->n : 1, sizeof *all->rcpts);
	if (!all->rcpts)
		die_nomem();
	for (i = 0; i < all->n; i++)
		if (netstring_slice(&list, &all->rcpts[i]) != 0)
			break;
}

static struct slice
failed_rcpt(const struct failed *all, const struct failures *f, uint32_t i)
{
	uint32_t index = failures_index(f, i);

	return index < all->n ? all->rcpts[index] : SLICE("");
}

/* An address or a remote text inside our own lines. */
static void
put_clean(struct buf *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_putc(out, s.at[i] >= ' ' && s.at[i] <= '~' ? s.at[i] : '?');
}

static void
put_boundary(struct buf *out, const struct bounce *b)
{
	buf_text(out, "quail-");
	buf_hex(out, 16, b->random);
}

static bool
has_high_bytes(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 0x7e)
			return true;
	return false;
}

static void
put_encoding(struct buf *out, struct slice copy)
{
	if (has_high_bytes(copy))
		buf_text(out, "Content-Transfer-Encoding: 8bit\n");
}

static void
put_header(struct buf *out, const struct bounce *b, struct slice copy)
{
	buf_text(out, "Date: ");
	trace_date(out, b->now_s);
	buf_text(out, "\nFrom: ");
	put_clean(out, b->names->from);
	buf_putc(out, '@');
	put_clean(out, b->names->from_host);
	buf_text(out, "\nTo: ");
	put_clean(out, b->to);
	buf_text(out, "\nSubject: failure notice\nMessage-ID: <");
	buf_hex(out, 16, b->id);
	buf_putc(out, '@');
	buf_puts(out, b->names->me);
	buf_text(out, ">\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n");
	put_encoding(out, copy);
	buf_text(out, "Content-Type: multipart/report; "
		      "report-type=delivery-status;\n  boundary=\"");
	put_boundary(out, b);
	buf_text(out, "\"\n\n");
}

static void
begin_part(struct buf *out, const struct bounce *b, const char *type)
{
	buf_text(out, "\n--");
	put_boundary(out, b);
	buf_text(out, "\nContent-Type: ");
	buf_text(out, type);
	buf_putc(out, '\n');
}

static void
put_people_part(struct buf *out, const struct bounce *b,
		const struct failed *all)
{
	const struct failures *f = b->message->failures;
	struct slice texts = buf_slice(&f->texts), text;
	uint32_t i;

	buf_text(out, "Hi. This is the quail mail system at ");
	buf_puts(out, b->names->me);
	buf_text(out, ".\nI could not deliver your message to the following "
		      "addresses.\nI have given up on them; this is all that "
		      "I can do.\n\n");
	for (i = 0; i < f->n && netstring_slice(&texts, &text) == 0; i++) {
		buf_putc(out, '<');
		put_clean(out, failed_rcpt(all, f, i));
		buf_text(out, ">:\n");
		put_clean(out, text.len ? text : SLICE("(nobody says why)"));
		buf_text(out, "\n\n");
	}
}

static void
put_machine_part(struct buf *out, const struct bounce *b,
		 const struct failed *all)
{
	const struct failures *f = b->message->failures;
	struct slice texts = buf_slice(&f->texts), text;
	struct verdict v;
	uint32_t i;

	buf_text(out, "Reporting-MTA: dns; ");
	buf_puts(out, b->names->me);
	buf_text(out, "\nArrival-Date: ");
	trace_date(out, b->message->birth_us / 1000000);
	buf_putc(out, '\n');
	for (i = 0; i < f->n && netstring_slice(&texts, &text) == 0; i++) {
		verdict_set(&v, 'D', text);
		buf_text(out, "\nFinal-Recipient: rfc822; ");
		put_clean(out, failed_rcpt(all, f, i));
		buf_text(out, "\nAction: failed\nStatus: ");
		buf_puts(out, verdict_status(&v));
		buf_text(out, "\nDiagnostic-Code: X-Quail; ");
		put_clean(out, text);
		buf_putc(out, '\n');
	}
}

/* The header alone, as far as it is at hand; whole lines of it. Line by line,
 * since they may end in LF or in CR and LF. */
static struct slice
header_of(struct slice copy)
{
	size_t at = 0, len;

	while (at < copy.len) {
		struct slice line = slice_from(copy, at);

		len = slice_find(line, '\n');
		if (len == line.len || len == 0 ||
		    (len == 1 && line.at[0] == '\r'))
			break;
		at += len + 1;
	}
	return slice_of(copy.at, at);
}

static void
put_copy_part(struct buf *out, const struct bounce *b, struct slice copy,
	      bool is_whole)
{
	begin_part(out, b, is_whole ? "message/rfc822" : "text/rfc822-headers");
	put_encoding(out, copy);
	buf_text(out, "\nReturn-Path: <");
	address_put_quoted(out, b->envelope->sender);
	buf_text(out, ">\n");
	buf_puts(out, copy);
	buf_text(out, "\n--");
	put_boundary(out, b);
	buf_text(out, "--\n");
}

void
bounce_text(struct buf *out, const struct bounce *b)
{
	bool is_whole = b->copy.len == b->message->text_len;
	struct slice copy = is_whole ? b->copy : header_of(b->copy);
	struct failed all;

	failed_init(&all, b);
	put_header(out, b, copy);
	begin_part(out, b, "text/plain; charset=us-ascii\n");
	put_people_part(out, b, &all);
	buf_text(out, "--- Below this line is a copy of the message");
	buf_text(out, is_whole ? ".\n" : "'s header.\n");
	begin_part(out, b, "message/delivery-status\n");
	put_machine_part(out, b, &all);
	put_copy_part(out, b, copy, is_whole);
	free(all.rcpts);
}
