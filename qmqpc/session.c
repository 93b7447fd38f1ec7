#include "qmqpc/session.h"

#include "cdb/config.h"
#include "lib/clock.h"
#include "qmqpc/hubs.h"
#include "qmqpc/submit.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { ALARM_GRACE_S = 2 };

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

static int64_t
timeout_s(void)
{
	const char *text = secure_getenv("QUAIL_TIMEOUT_S");
	uint64_t s;

	if (text &&
	    slice_number(slice_text(text), SESSION_TIMEOUT_MAX_S, &s) == 0 &&
	    s > 0)
		return (int64_t)s;
	return SESSION_TIMEOUT_S;
}

/* Looking up names knows no deadline: this one ends it. */
static void
too_late(int signal)
{
	static const char line[] = "sendmail: no hub took the message in time; "
				   "try again later\n";
	ssize_t n = write(2, line, sizeof line - 1);

	(void)n;
	(void)signal;
	_exit(EX_TEMPFAIL);
}

static int
open_config(struct config *c, struct buf *why)
{
	const char *dir = secure_getenv("QUAIL_DIR");
	struct buf path = {0};
	int r;

	buf_text(&path, dir && *dir ? dir : "/etc/quail");
	buf_text(&path, "/config.cdb");
	buf_putc(&path, 0);
	r = config_open(c, buf_slice(&path).at, why);
	c->path = NULL; /* it is never refreshed */
	buf_free(&path);
	return r;
}

/* What a caller wants to know of a D is whose fault it is. */
static int
rejected(const struct verdict *v)
{
	return slice_starts(verdict_status(v), SLICE("5.1.")) ? EX_NOUSER
							      : EX_UNAVAILABLE;
}

static int
send_it(struct submit *s, const struct config *config)
{
	int64_t allowed_s = timeout_s();
	struct slice hub;
	struct verdict v;

	signal(SIGALRM, too_late);
	alarm((unsigned)allowed_s + ALARM_GRACE_S);
	buf_clear(&s->why);
	hubs_send(config, &s->package, clock_ms() + allowed_s * 1000, &v, &hub,
		  &s->why);
	alarm(0);
	if (v.code == 'Z') {
		buf_text(&s->why, "; no hub took the message, try again later");
		return EX_TEMPFAIL;
	}
	buf_clear(&s->why);
	buf_puts(&s->why, hub);
	buf_text(&s->why, v.code == 'K' ? ": " : " rejects it: ");
	buf_puts(&s->why, verdict_text(&v));
	return v.code == 'K' ? 0 : rejected(&v);
}

int
session_run(const struct options *options)
{
	struct config config = {0};
	struct submit s = {0};
	int code = open_config(&config, &s.why) == 0 ? 0 : EX_TEMPFAIL;

	if (code == 0)
		code = submit_arguments(&s, options, config_me(&config));
	if (code == 0)
		code = submit_read(&s, 0);
	if (code == 0)
		code = send_it(&s, &config);
	if (code != 0)
		session_complain(code, buf_slice(&s.why));
	else if (options->is_verbose)
		print(1, buf_slice(&s.why));
	submit_free(&s);
	config_close(&config);
	return code;
}
