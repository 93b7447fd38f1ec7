#include "qmqpc/session.h"

#include "lib/clock.h"
#include "qmqpc/hubs.h"
#include "qmqpc/place.h"
#include "qmqpc/spool.h"
#include "qmqpc/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

static void
print(int fd, struct slice line)
{
	struct buf out = {0};
	size_t i;
	ssize_t n;

	buf_text(&out, "sendmail: ");
	for (i = 0; i < line.len; i++)
		buf_putc(&out, line.at[i] < 0x20 || line.at[i] == 0x7f
				   ? '?'
				   : line.at[i]);
	buf_putc(&out, '\n');
	n = write(fd, buf_slice(&out).at, out.len);
	(void)n; /* there is nobody else to tell */
	buf_free(&out);
}

int
session_complain(int code, struct slice line)
{
	print(2, line);
	return code;
}

/* Where there is a spool nobody need wait for long. */
static int64_t
timeout_s(bool has_spool)
{
	const char *text = secure_getenv("QUAIL_TIMEOUT_S");
	uint64_t s;

	if (text &&
	    slice_number(slice_text(text), SESSION_TIMEOUT_MAX_S, &s) == 0 &&
	    s > 0)
		return (int64_t)s;
	return has_spool ? SESSION_SPOOL_S : SESSION_TIMEOUT_S;
}

/* What a caller wants to know of a D is whose fault it is. */
static int
rejected(const struct verdict *v)
{
	return slice_starts(verdict_status(v), SLICE("5.1.")) ? EX_NOUSER
							      : EX_UNAVAILABLE;
}

static int
later(struct submit *s, const char *what, int error)
{
	buf_text(&s->why, "; no hub took the message, ");
	if (error) {
		buf_text(&s->why, what);
		buf_text(&s->why, ": ");
		buf_text(&s->why, strerror(error));
		buf_text(&s->why, "; ");
	}
	buf_text(&s->why, "try again later");
	return EX_TEMPFAIL;
}

/* No hub has it: then it is the spool's, if there is one. */
static int
keep(struct submit *s, const struct spool *spool)
{
	struct spool_entry e = {.birth_us = clock_us(),
				.n_rcpts = (uint32_t)s->rcpts.n};

	if (spool->dir < 0)
		return later(s, "", 0);
	if (spool_room(spool, s->package.size) != 0)
		return later(s, "and the spool is full", errno);
	if (getrandom(&e.id, sizeof e.id, 0) != sizeof e.id ||
	    spool_put(spool, &s->package, &e, buf_slice(&s->sender),
		      buf_slice(&s->rcpts.wire)) != 0)
		return later(s, "and the spool failed", errno);
	buf_text(&s->why, "; the message waits in the spool as ");
	buf_hex(&s->why, 16, e.id);
	return 0;
}

static int
send_it(struct submit *s, const struct config *config,
	const struct spool *spool)
{
	int64_t until_ms = clock_ms() + timeout_s(spool->dir >= 0) * 1000;
	struct slice hub;
	struct verdict v;

	buf_clear(&s->why);
	hubs_send(config, &s->package, until_ms, NULL, &v, &hub, &s->why);
	if (v.code == 'Z')
		return keep(s, spool);
	buf_clear(&s->why);
	buf_puts(&s->why, hub);
	buf_text(&s->why, v.code == 'K' ? ": " : " rejects it: ");
	buf_puts(&s->why, verdict_text(&v));
	return v.code == 'K' ? 0 : rejected(&v);
}

static void
open_spool(struct spool *spool, const char *dir)
{
	struct buf path = {0};

	spool_path(&path, dir);
	spool_open(spool, buf_slice(&path).at);
	buf_free(&path);
}

int
session_run(const struct options *options)
{
	struct place place = {0};
	struct spool spool = {.dir = -1, .sync_dir = -1};
	struct submit s = {0};
	int code = place_open(&place, NULL, &s.why) == 0 ? 0 : EX_TEMPFAIL;

	if (code == 0)
		code = submit_arguments(&s, options, &place.config);
	if (code == 0)
		code = submit_read(&s, 0);
	if (code == 0) {
		open_spool(&spool, place.dir);
		code = send_it(&s, &place.config, &spool);
	}
	if (code != 0)
		session_complain(code, buf_slice(&s.why));
	else if (options->is_verbose)
		print(1, buf_slice(&s.why));
	spool_close(&spool);
	submit_free(&s);
	place_close(&place);
	return code;
}
