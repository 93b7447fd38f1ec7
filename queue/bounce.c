#include "queue/bounce.h"

#include "lib/address.h"
#include "lib/die.h"
#include "lib/netstring.h"
#include "lib/trace.h"

#include <stdlib.h>

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
}

static uint32_t
failed_index(const struct failures *f, uint32_t i)
{
	uint32_t index;

	memcpy(&index, f->indices.mem + f->indices.off + i * sizeof index,
	       sizeof index);
	return index;
}

bool
failures_have(const struct message *m, uint32_t index)
{
	uint32_t i;

	for (i = 0; m->failures && i < m->failures->n; i++)
		if (failed_index(m->failures, i) == index)
			return true;
	return false;
}

void
failures_free(struct message *m)
{
	if (!m->failures)
		return;
	buf_free(&m->failures->indices);
	buf_free(&m->failures->texts);
	free(m->failures);
	m->failures = NULL;
}

bool
bounce_address(struct slice sender, struct slice me, struct buf *to,
	       struct slice *from)
{
	static const struct slice verp = {"-@[]", 4};

	*from = SLICE("");
	if (slice_eq(sender, SLICE("#@[]")))
		return false;
	if (sender.len == 0) {
		buf_text(to, "postmaster@");
		buf_puts(to, me);
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

/* An address or a remote text inside our own lines. */
static void
put_clean(struct buf *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_putc(out, s.at[i] > ' ' && s.at[i] <= '~' ? s.at[i]
			      : s.at[i] == ' '		      ? ' '
							      : '?');
}

static void
put_boundary(struct buf *out, uint64_t id)
{
	buf_text(out, "quail-");
	buf_hex(out, 16, id);
}

static void
put_header(struct buf *out, struct slice me, struct slice to, uint64_t id,
	   int64_t now_s)
{
	buf_text(out, "Date: ");
	trace_date(out, now_s);
	buf_text(out, "\nFrom: MAILER-DAEMON@");
	buf_puts(out, me);
	buf_text(out, "\nTo: ");
	if (to.len > 0)
		put_clean(out, to);
	buf_text(out, "\nSubject: failure notice\nMessage-ID: <");
	buf_hex(out, 16, id);
	buf_text(out, "@");
	buf_puts(out, me);
	buf_text(out, ">\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
		      "Content-Type: multipart/report; "
		      "report-type=delivery-status;\n  boundary=\"");
	put_boundary(out, id);
	buf_text(out, "\"\n\n");
}

static void
begin_part(struct buf *out, uint64_t id, const char *type)
{
	buf_text(out, "\n--");
	put_boundary(out, id);
	buf_text(out, "\nContent-Type: ");
	buf_text(out, type);
	buf_text(out, "\n\n");
}

/* The n-th of a list of netstrings whose order is the index's. */
static struct slice
rcpt_at(struct slice list, uint32_t index)
{
	struct slice one = {"", 0};
	uint32_t i;

	for (i = 0; i <= index; i++)
		if (netstring_slice(&list, &one) != 0)
			return SLICE("");
	return one;
}

static void
put_people_part(struct buf *out, const struct failures *f,
		const struct store_envelope *e, struct slice me)
{
	struct slice texts = buf_slice(&f->texts), text;
	uint32_t i;

	buf_text(out, "Hi. This is the quail mail system at ");
	buf_puts(out, me);
	buf_text(out, ".\nI could not deliver your message to the following "
		      "addresses.\nI have given up on them; this is all that "
		      "I can do.\n\n");
	for (i = 0; i < f->n && netstring_slice(&texts, &text) == 0; i++) {
		buf_putc(out, '<');
		put_clean(out, rcpt_at(e->rcpts, failed_index(f, i)));
		buf_text(out, ">:\n");
		put_clean(out, text);
		buf_text(out, "\n\n");
	}
}

static void
put_machine_part(struct buf *out, const struct message *m,
		 const struct store_envelope *e, struct slice me)
{
	const struct failures *f = m->failures;
	struct slice texts = buf_slice(&f->texts), text;
	struct verdict v;
	uint32_t i;

	buf_text(out, "Reporting-MTA: dns; ");
	buf_puts(out, me);
	buf_text(out, "\nArrival-Date: ");
	trace_date(out, m->birth_us / 1000000);
	buf_putc(out, '\n');
	for (i = 0; i < f->n && netstring_slice(&texts, &text) == 0; i++) {
		verdict_set(&v, 'D', text);
		buf_text(out, "\nFinal-Recipient: rfc822; ");
		put_clean(out, rcpt_at(e->rcpts, failed_index(f, i)));
		buf_text(out, "\nAction: failed\nStatus: ");
		buf_puts(out, verdict_status(&v));
		buf_text(out, "\nDiagnostic-Code: X-Quail; ");
		put_clean(out, text);
		buf_putc(out, '\n');
	}
}

/* The header alone, when not all of the message is at hand. */
static struct slice
header_of(struct slice copy)
{
	const char *end = memmem(copy.at, copy.len, "\n\n", 2);

	return end ? slice_of(copy.at, (size_t)(end - copy.at) + 1) : copy;
}

void
bounce_text(struct buf *out, const struct message *m,
	    const struct store_envelope *e, struct slice me, struct slice to,
	    struct slice copy, uint64_t id, int64_t now_s)
{
	bool is_whole = copy.len == m->text_len;

	put_header(out, me, to, id, now_s);
	begin_part(out, id, "text/plain; charset=us-ascii");
	put_people_part(out, m->failures, e, me);
	buf_text(out, "--- Below this line is a copy of the message");
	buf_text(out, is_whole ? ".\n" : "'s header.\n");
	begin_part(out, id, "message/delivery-status");
	put_machine_part(out, m, e, me);
	begin_part(out, id,
		   is_whole ? "message/rfc822" : "text/rfc822-headers");
	buf_text(out, "Return-Path: <");
	address_put_quoted(out, e->sender);
	buf_text(out, ">\n");
	buf_puts(out, is_whole ? copy : header_of(copy));
	buf_text(out, "\n--");
	put_boundary(out, id);
	buf_text(out, "--\n");
}
