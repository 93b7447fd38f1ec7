#include "qmqpc/qmail_queue.h"

#include "lib/address.h"
#include "lib/limits.h"
#include "qmqpc/handover.h"
#include "qmqpc/pipes.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	PIECE = 65536,
	ENVELOPE_MAX = (LIMIT_RCPTS + 1) * (ADDRESS_MAX + 2) + 1
};

static int
read_message(struct package *p)
{
	static char room[PIECE];
	ssize_t n;

	while ((n = pipes_read(0, room, PIECE)) > 0) {
		if (package_text(p, slice_of(room, (size_t)n)) != 0)
			return QMAIL_QUEUE_STORING;
		if (p->text_len > LIMIT_TEXT)
			return QMAIL_QUEUE_REJECTED;
	}
	return n < 0 ? QMAIL_QUEUE_READING : 0;
}

static int
read_envelope(struct buf *to)
{
	ssize_t n;

	while ((n = pipes_read(1, buf_room(to, PIECE), PIECE)) > 0) {
		buf_added(to, (size_t)n);
		if (to->len > ENVELOPE_MAX)
			return QMAIL_QUEUE_TOO_LONG;
	}
	return n < 0 ? QMAIL_QUEUE_READING : 0;
}

/* The address behind a letter, up to its NUL. */
static int
take(struct slice *rest, char letter, struct slice *address)
{
	size_t end;

	if (rest->len == 0 || rest->at[0] != letter)
		return QMAIL_QUEUE_ENVELOPE;
	*rest = slice_from(*rest, 1);
	end = slice_find(*rest, 0);
	if (end == rest->len)
		return QMAIL_QUEUE_ENVELOPE;
	*address = slice_of(rest->at, end);
	*rest = slice_from(*rest, end + 1);
	if (end > ADDRESS_MAX)
		return QMAIL_QUEUE_TOO_LONG;
	return address_sane(*address) ? 0 : QMAIL_QUEUE_ENVELOPE;
}

static int
take_envelope(struct submit *s, const struct options *options,
	      const struct config *config, struct slice rest)
{
	struct slice address;
	int code = take(&rest, 'F', &address);

	if (code != 0)
		return code;
	submit_given(s, options, config, address);
	while (rest.len > 1) {
		code = take(&rest, 'T', &address);
		if (code != 0)
			return code;
		rcpts_add(&s->rcpts, address);
	}
	if (rest.len != 1 || rest.at[0] != 0 || s->rcpts.n == 0)
		return QMAIL_QUEUE_ENVELOPE;
	return s->rcpts.is_full ? QMAIL_QUEUE_TOO_LONG : 0;
}

static int
hand_over(struct submit *s, const struct place *place)
{
	if (submit_seal(s) != 0)
		return QMAIL_QUEUE_STORING;
	switch (handover_message(s, place)) {
	case 0: return 0;
	case EX_TEMPFAIL: return QMAIL_QUEUE_DEFERRED;
	default: return QMAIL_QUEUE_REJECTED;
	}
}

int
qmail_queue_run(void)
{
	const struct options options = {0};
	struct place place = {0};
	struct submit s = {0};
	struct buf envelope = {0}, why = {0};
	int code = QMAIL_QUEUE_CONFIG;

	if (place_open(&place, NULL, &why) == 0)
		code = read_message(&s.package);
	if (code == 0)
		code = read_envelope(&envelope);
	if (code == 0)
		code = take_envelope(&s, &options, &place.config,
				     buf_slice(&envelope));
	if (code == 0)
		code = hand_over(&s, &place);
	submit_free(&s);
	buf_free(&envelope);
	buf_free(&why);
	place_close(&place);
	return code;
}
