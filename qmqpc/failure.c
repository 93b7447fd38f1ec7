#include "qmqpc/failure.h"

#include "lib/address.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/trace.h"

/* VERP: the bounces of list-@host-@[] go to list-@host. */
static struct slice
back_to(struct slice sender)
{
	const struct slice verp = SLICE("-@[]");

	if (sender.len > verp.len &&
	    slice_eq(slice_from(sender, sender.len - verp.len), verp))
		sender.len -= verp.len;
	return sender;
}

bool
failure_returnable(const struct letter *l)
{
	return l->sender.len > 0 && !slice_eq(l->sender, SLICE("#@[]"));
}

static struct slice
text_or(const struct config *c, const char *table, struct slice otherwise)
{
	struct slice value;

	return config_text(c, table, &value) ? value : otherwise;
}

static void
put_header(struct buf *out, const struct letter *l, const struct config *c)
{
	struct slice me = config_me(c);

	buf_text(out, "Date: ");
	trace_date(out, l->entry.birth_us / 1000000);
	buf_text(out, "\nFrom: <");
	buf_puts(out, text_or(c, "bouncefrom", SLICE("MAILER-DAEMON")));
	buf_putc(out, '@');
	buf_puts(out, text_or(c, "bouncehost", me));
	buf_text(out, ">\nTo: <");
	address_put_quoted(out, back_to(l->sender));
	buf_text(out, ">\nSubject: failure notice\nMessage-ID: <");
	buf_hex(out, 16, l->entry.id);
	buf_text(out, ".failed@");
	buf_puts(out, me);
	buf_text(out, ">\nAuto-Submitted: auto-replied\n\n"
		      "Hi. This is the sendmail program at ");
	buf_puts(out, me);
	buf_text(out, ".\nYour message could not be sent from here. It has "
		      "not been delivered to these\naddresses.\n");
}

static void
put_rcpts(struct buf *out, const struct letter *l, const struct verdict *v)
{
	struct slice rest = l->rcpts, rcpt;
	uint32_t n = 0;

	while (n < FAILURE_RCPTS && netstring_slice(&rest, &rcpt) == 0) {
		buf_text(out, "\n<");
		buf_puts(out, rcpt);
		buf_text(out, ">:\n");
		buf_puts(out, verdict_text(v));
		buf_putc(out, '\n');
		n++;
	}
	if (n == l->entry.n_rcpts)
		return;
	buf_text(out, "\nThe same is true of ");
	buf_number(out, l->entry.n_rcpts - n);
	buf_text(out, " more recipients.\n");
}

static int
put_copy(struct buf *out, const struct letter *l)
{
	bool is_cut = l->entry.text_len > FAILURE_COPY;
	size_t n = is_cut ? FAILURE_COPY : (size_t)l->entry.text_len;

	buf_text(out, "\n--- Below this line is a copy of the message.\n\n"
		      "Return-Path: <");
	buf_puts(out, l->sender);
	buf_text(out, ">\n");
	if (fs_read_all(l->fd, buf_room(out, n), n, (off_t)l->text_at) != 0)
		return -1;
	buf_added(out, n);
	if (is_cut)
		buf_text(out, "\n--- The rest of it is left out.\n");
	return 0;
}

int
failure_package(struct package *p, const struct letter *l,
		const struct config *c, const struct verdict *v)
{
	struct buf out = {0}, to = {0};
	int r;

	put_header(&out, l, c);
	put_rcpts(&out, l, v);
	r = put_copy(&out, l);
	netstring_put(&to, back_to(l->sender));
	if (r == 0)
		r = package_text(p, buf_slice(&out));
	if (r == 0)
		r = package_seal(p, SLICE(""), buf_slice(&to));
	buf_free(&out);
	buf_free(&to);
	return r;
}
