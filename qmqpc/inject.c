#include "qmqpc/inject.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "qmqpc/handover.h"
#include "qmqpc/pipes.h"
#include "qmqpc/session.h"
#include "qmqpc/who.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { PART_MAX = 255 }; /* of an address */

struct inject {
	struct options options;
	char rcpts; /* the flag: a, A, h or H */
	bool is_shown;
	bool is_per_message; /* QMAILINJECT's m */
	struct buf user, host, from, name, return_path;
	struct buf *why;
};

static int
refuse(struct inject *j, const char *what, const char *object)
{
	buf_text(j->why, what);
	buf_text(j->why, object);
	return EX_USAGE;
}

/* flags */

static int
flag(struct inject *j, char c, const char *rest, char ***next, char **end)
{
	switch (c) {
	case 'a':
	case 'A':
	case 'h':
	case 'H': j->rcpts = c; return 0;
	case 'n': j->is_shown = true; return 0;
	case 'N': j->is_shown = false; return 0;
	case 'f':
		j->options.sender = *rest	  ? rest
				    : *next < end ? *(*next)++
						  : NULL;
		return j->options.sender
			   ? 0
			   : refuse(j, "this flag wants a value: -f", "");
	default: return refuse(j, "unknown flag: -", (char[]){c, 0});
	}
}

static int
flags(struct inject *j, char ***next, char **end)
{
	int code = 0;

	while (code == 0 && *next < end && (**next)[0] == '-' && (**next)[1]) {
		const char *c = *(*next)++ + 1;

		if (strcmp(c, "-") == 0)
			return 0;
		for (; *c && code == 0; c++) {
			code = flag(j, *c, c + 1, next, end);
			if (*c == 'f')
				break;
		}
	}
	for (char **r = *next; code == 0 && r < end; r++)
		if (**r == '-')
			return refuse(j,
				      "options come before recipients, and a "
				      "recipient like this after \"--\": ",
				      *r);
	return code;
}

static void
choose_rcpts(struct inject *j, char **next, char **end)
{
	struct options *o = &j->options;

	o->rcpts = next;
	o->n_rcpts = j->rcpts == 'h' ? 0 : (size_t)(end - next);
	o->from_header = j->rcpts == 'h' || j->rcpts == 'H' ||
			 (j->rcpts == 'A' && o->n_rcpts == 0);
}

/* the environment */

enum kind { LOCAL, HOST, NAME };

static bool
fits_byte(unsigned char c, enum kind kind)
{
	if (c < ' ' || c == 0x7f)
		return false;
	if (kind == NAME)
		return true;
	if (c == ' ' || c == '@' || c > 0x7f)
		return false;
	return kind == LOCAL || !strchr("!\"#$%&'()*+,/;<=>?\\^`{|}~", c);
}

static bool
fits(const char *s, enum kind kind)
{
	size_t n;

	if (kind == HOST && (*s == '.' || *s == '-'))
		return false;
	for (n = 0; s[n]; n++)
		if (!fits_byte((unsigned char)s[n], kind))
			return false;
	return kind == NAME || n <= PART_MAX;
}

/* The first that is set, not empty, and right, of names with a NUL behind
 * each. */
static int
first(struct inject *j, const char *names, enum kind kind, struct buf *to)
{
	for (; *names; names += strlen(names) + 1) {
		const char *value = secure_getenv(names);
		struct slice name = slice_text(names);

		if (!value || !*value)
			continue;
		if (fits(value, kind)) {
			buf_text(to, value);
			return 0;
		}
		if (slice_starts(name, SLICE("QMAIL")) ||
		    slice_starts(name, SLICE("MAIL")))
			return refuse(j, "not fit for an address: ", names);
	}
	return 0;
}

static void
who_else(struct inject *j)
{
	struct buf name = {0};

	who_calls(&j->user, &name);
	if (j->name.len == 0)
		buf_puts(&j->name, buf_slice(&name));
	buf_free(&name);
}

static int
letters(struct inject *j)
{
	const char *c = secure_getenv("QMAILINJECT");

	j->options.uses_return_path = true;
	for (; c && *c; c++) {
		switch (*c) {
		case 'f': j->options.drops_from = true; break;
		case 'i': j->options.drops_id = true; break;
		case 's': j->options.uses_return_path = false; break;
		case 'm': j->is_per_message = true; break;
		case 'r':
			return refuse(j, "this mode is not offered here: ",
				      "QMAILINJECT=r");
		}
	}
	return 0;
}

static void
put_address(struct buf *to, const struct buf *user, const struct buf *host)
{
	buf_puts(to, buf_slice(user));
	buf_putc(to, '@');
	buf_puts(to, buf_slice(host));
	buf_putc(to, 0);
}

/* USER-SECONDS.PID@HOST, so that its bounces tell which message it was. */
static int
sender(struct inject *j)
{
	struct buf user = {0}, host = {0};
	int code = first(j, "QMAILSUSER\0", LOCAL, &user);

	if (code == 0)
		code = first(j, "QMAILSHOST\0", HOST, &host);
	if (user.len == 0)
		buf_puts(&user, buf_slice(&j->user));
	if (host.len == 0)
		buf_puts(&host, buf_slice(&j->host));
	if (j->is_per_message) {
		buf_putc(&user, '-');
		buf_number(&user, (uint64_t)clock_s());
		buf_putc(&user, '.');
		buf_number(&user, (uint64_t)getpid());
	}
	put_address(&j->return_path, &user, &host);
	buf_free(&user);
	buf_free(&host);
	return code;
}

static int
environment(struct inject *j, struct slice me)
{
	static const char users[] = "QMAILUSER\0MAILUSER\0USER\0LOGNAME\0";
	static const char hosts[] = "QMAILHOST\0MAILHOST\0";
	static const char names[] = "QMAILNAME\0MAILNAME\0NAME\0";
	int code = letters(j);

	if (code == 0)
		code = first(j, users, LOCAL, &j->user);
	if (code == 0)
		code = first(j, hosts, HOST, &j->host);
	if (code == 0)
		code = first(j, names, NAME, &j->name);
	if (j->user.len == 0)
		who_else(j);
	if (j->host.len == 0)
		buf_puts(&j->host, me);
	if (code == 0)
		code = sender(j);
	put_address(&j->from, &j->user, &j->host);
	buf_putc(&j->name, 0);
	j->options.from = j->from.mem;
	j->options.name = j->name.mem;
	j->options.return_path = j->return_path.mem;
	return code;
}

/* the message */

static int
show(struct submit *s)
{
	struct package *p = &s->package;
	uint64_t at = p->head_len, end = p->head_len + p->text_len;
	struct slice piece;
	ssize_t n;

	while (at < end) {
		if (package_piece(p, at, &piece) != 0)
			return EX_IOERR;
		if (piece.len > end - at)
			piece.len = (size_t)(end - at);
		n = pipes_write(1, piece.at, piece.len);
		if (n < 0) {
			buf_text(&s->why, "writing the message: ");
			buf_text(&s->why, strerror(errno));
			return EX_IOERR;
		}
		at += (uint64_t)n;
	}
	return 0;
}

static int
hand_in(struct inject *j, struct submit *s, const struct place *place)
{
	int code = submit_arguments(s, &j->options, &place->config);

	if (code == 0)
		code = submit_read(s, 0);
	if (code == 0)
		code = j->is_shown ? show(s) : handover_message(s, place);
	return code;
}

static int
exit_code(int code)
{
	switch (code) {
	case 0: return 0;
	case EX_TEMPFAIL:
	case EX_IOERR: return 111;
	default: return 100;
	}
}

int
inject_run(char **arguments, size_t n)
{
	struct place place = {0};
	struct submit s = {0};
	struct inject j = {
	    .options = {.dots_are_text = true, .is_inject = true},
	    .rcpts = 'A',
	    .why = &s.why};
	char **next = arguments, **end = arguments + n;
	int code = flags(&j, &next, end);

	choose_rcpts(&j, next, end);
	if (code == 0 && place_open(&place, NULL, &s.why) != 0)
		code = EX_TEMPFAIL;
	if (code == 0)
		code = environment(&j, config_me(&place.config));
	if (code == 0)
		code = hand_in(&j, &s, &place);
	if (code != 0)
		session_complain(code, buf_slice(&s.why));
	submit_free(&s);
	place_close(&place);
	buf_free(&j.user);
	buf_free(&j.host);
	buf_free(&j.from);
	buf_free(&j.name);
	buf_free(&j.return_path);
	return exit_code(code);
}
