#include "qmqpc/keep.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "qmqpc/envelope.h"

#include <errno.h>
#include <sysexits.h>

/* The first thing that is wrong counts. */
static void
refuse(struct keep *k, char code, const char *text)
{
	if (k->refused.code == 0)
		verdict_say(&k->refused, code, text);
}

static void
refuse_trouble(struct keep *k, int error)
{
	if (fs_is_full(error))
		refuse(k, 'Z', "the leaf's spool is full (#4.3.1)");
	else
		refuse(k, 'Z', "the leaf's spool gave an error (#4.3.0)");
}

static const char impossible_rcpt[] =
    "a recipient address is impossible (#5.1.3)";

void
keep_text(struct keep *k, struct slice text)
{
	if (k->refused.code != 0)
		return;
	if (text.len > LIMIT_TEXT + 65536 - k->text.text_len)
		refuse(k, 'D', "the message is too large (#5.3.4)");
	else if (package_text(&k->text, text) != 0)
		refuse_trouble(k, errno);
}

void
keep_sender(struct keep *k, struct slice sender)
{
	k->has_sender = true;
	if (k->refused.code != 0)
		return;
	if (!address_sane(sender))
		refuse(k, 'D', "the sender address is impossible (#5.1.7)");
	else
		buf_puts(&k->sender, sender);
}

void
keep_rcpt(struct keep *k, struct slice rcpt)
{
	if (k->refused.code != 0)
		return;
	if (!address_sane(rcpt) || rcpt.len == 0)
		refuse(k, 'D', impossible_rcpt);
	else
		rcpts_add(&k->rcpts, rcpt);
	if (k->rcpts.is_full)
		refuse(k, 'Z', "too many recipients (#4.5.3)");
}

void
keep_shed(struct keep *k)
{
	refuse(k, 'Z', "too much is being received now (#4.3.1)");
	buf_free(&k->sender);
	rcpts_free(&k->rcpts);
	package_free(&k->text);
}

/* The same way as a message on stdin. */
static int
submit_all(struct keep *k, struct submit *s)
{
	struct slice rest = buf_slice(&k->rcpts.wire), one;
	struct buf full = {0};
	uint64_t at = 0, end;
	int code = 0;

	while (netstring_slice(&rest, &one) == 0) {
		buf_clear(&full);
		if (envelope_qualified(
			&full, one, slice_find(one, '@') < one.len, s->me) == 0)
			rcpts_add(&s->rcpts, buf_slice(&full));
		else
			refuse(k, 'D', impossible_rcpt);
	}
	buf_free(&full);
	if (package_seal(&k->text, SLICE(""), SLICE("")) != 0)
		return EX_IOERR;
	end = k->text.text_len;
	while (at < end && code == 0) {
		if (package_piece(&k->text, k->text.head_len + at, &one) != 0)
			return EX_IOERR;
		if (one.len > end - at)
			one.len = (size_t)(end - at);
		at += one.len;
		code = submit_text(s, one);
	}
	return code ? code : submit_finish(s);
}

static void
spool_it(struct keep *k, struct submit *s, struct spool *spool)
{
	struct spool_entry e = {.id = k->id,
				.birth_us = clock_us(),
				.n_rcpts = (uint32_t)s->rcpts.n};

	if (spool->dir < 0)
		refuse(k, 'Z', "this leaf has no spool (#4.3.0)");
	else if (spool_room(spool, s->package.size) != 0 ||
		 spool_put(spool, &s->package, &e, buf_slice(&s->sender),
			   buf_slice(&s->rcpts.wire)) != 0)
		refuse_trouble(k, errno);
}

void
keep_commit(struct keep *k, const struct config *config, struct spool *spool,
	    struct verdict *v)
{
	const struct options options = {0};
	struct submit s = {0};
	int code;

	if (k->rcpts.n == 0)
		refuse(k, 'D', "no recipients (#5.5.2)");
	if (k->refused.code == 0) {
		submit_given(&s, &options, config, buf_slice(&k->sender));
		errno = 0;
		code = submit_all(k, &s);
		if (code == EX_DATAERR)
			refuse(k, 'D', "no sense in its header (#5.6.0)");
		else if (code != 0)
			refuse_trouble(k, errno);
		else if (k->refused.code == 0)
			spool_it(k, &s, spool);
		submit_free(&s);
	}
	if (k->refused.code != 0)
		*v = k->refused;
	else
		verdict_say(v, 'K', "in the spool (#2.0.0)");
}

void
keep_free(struct keep *k)
{
	buf_free(&k->sender);
	rcpts_free(&k->rcpts);
	package_free(&k->text);
	*k = (struct keep){0};
}
