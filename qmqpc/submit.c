#include "qmqpc/submit.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "qmqpc/envelope.h"
#include "qmqpc/fields.h"
#include "qmqpc/pipes.h"
#include "qmqpc/who.h"

#include <errno.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

enum { READ_MAX = 65536 };

static int
refuse(struct submit *s, int code, const char *what, struct slice object)
{
	buf_clear(&s->why);
	buf_text(&s->why, what);
	buf_puts(&s->why, object);
	return code;
}

/* Of several in one argument nobody knows which it is. */
static int
not_address(struct submit *s, int code, const char *option, const char *word)
{
	const char *fault =
	    strpbrk(word, "<>(),; \t\"") ? NULL : address_why(slice_text(word));

	buf_clear(&s->why);
	buf_text(&s->why, option);
	buf_text(&s->why, word);
	buf_text(&s->why, ": this is not an address: ");
	buf_text(&s->why, fault ? fault : "it cannot be read as one");
	return code;
}

static int
trouble(struct submit *s, int code, const char *what)
{
	return refuse(s, code, what, slice_text(strerror(errno)));
}

/* What a From field will say if the message has none: what was asked for, or
 * the return path that was, or else who calls. */
static void
take_from(struct submit *s)
{
	const struct options *o = s->options;
	struct buf user = {0}, name = {0};

	if (o->from) {
		buf_text(&s->from, o->from);
	} else if (s->sender.len > 0) {
		buf_puts(&s->from, buf_slice(&s->sender));
	} else {
		who_calls(&user, &name);
		envelope_qualified(&s->from, buf_slice(&user), false, s->me);
	}
	if (o->name)
		buf_text(&s->name, o->name);
	else
		buf_puts(&s->name, buf_slice(&name));
	buf_free(&user);
	buf_free(&name);
}

static bool
rewrite(struct submit *s, const char *what, struct buf *address)
{
	struct slice source;
	struct buf out = {0};

	if (!config_rewrite(s->config, what, buf_slice(address), &out, &source))
		return false;
	buf_free(address);
	*address = out;
	return true;
}

/* Never the empty return path: a bounce must stay one. */
static void
rewrite_senders(struct submit *s)
{
	if (s->sender.len > 0)
		rewrite(s, "sender", &s->sender);
	if (rewrite(s, "from", &s->from))
		s->header.drops_from = true;
}

/* Two may have become one. */
static void
rewrite_rcpts(struct submit *s)
{
	struct slice rest = buf_slice(&s->rcpts.wire), rcpt;
	struct rcpts all = {0};
	struct buf one = {0};

	while (netstring_slice(&rest, &rcpt) == 0) {
		buf_clear(&one);
		buf_puts(&one, rcpt);
		rewrite(s, "rcpt", &one);
		rcpts_add(&all, buf_slice(&one));
	}
	buf_free(&one);
	rcpts_free(&s->rcpts);
	s->rcpts = all;
}

static void
take_header_options(struct submit *s)
{
	const struct options *o = s->options;

	s->header.drops_from = o->drops_from;
	s->header.drops_id = o->drops_id;
	s->header.wants_return = o->uses_return_path && !o->sender;
}

int
submit_arguments(struct submit *s, const struct options *options,
		 const struct config *config)
{
	struct slice me = config_me(config);
	size_t i;

	s->options = options;
	s->config = config;
	s->me = me;
	s->textin.dots_are_text = options->dots_are_text;
	if (options->name && strpbrk(options->name, "\r\n"))
		return refuse(s, EX_USAGE, "a name is one line: -F ",
			      slice_text(options->name));
	if (options->sender &&
	    envelope_sender(&s->sender, slice_text(options->sender), me) != 0)
		return not_address(s, EX_USAGE, "-f ", options->sender);
	take_from(s);
	if (!options->sender && options->return_path)
		buf_text(&s->sender, options->return_path);
	else if (!options->sender)
		buf_puts(&s->sender, buf_slice(&s->from));
	take_header_options(s);
	rewrite_senders(s);
	for (i = 0; i < options->n_rcpts; i++)
		if (envelope_rcpts(&s->rcpts, slice_text(options->rcpts[i]),
				   me) != 0)
			return not_address(s, EX_DATAERR, "",
					   options->rcpts[i]);
	if (s->rcpts.n == 0 && !options->from_header)
		return refuse(s, EX_USAGE,
			      "no recipients: give them as arguments, or -t",
			      SLICE(""));
	return 0;
}

static int
add_text(struct submit *s, struct slice text)
{
	if (package_text(&s->package, text) != 0)
		return trouble(s, EX_TEMPFAIL, "storing the message: ");
	if (s->package.text_len > LIMIT_TEXT)
		return refuse(s, EX_DATAERR, "the message is too large",
			      SLICE(""));
	return 0;
}

static int
end_header(struct submit *s)
{
	struct fields f = {.address = buf_slice(&s->from),
			   .name = buf_slice(&s->name),
			   .me = s->me,
			   .now_s = clock_s()};
	struct buf out = {0};
	int code;

	s->header_over = true;
	if (getrandom(f.random, sizeof f.random, 0) != sizeof f.random)
		return trouble(s, EX_TEMPFAIL, "no random bits: ");
	fields_missing(&out, s->header.seen, &f);
	if (s->options->is_inject &&
	    !(s->header.seen & (HEADER_TO | HEADER_RESENT)))
		buf_text(&out, "Cc: recipient list not shown: ;\n");
	buf_putc(&out, '\n');
	code = add_text(s, buf_slice(&out));
	buf_free(&out);
	return code;
}

/* Only later is it known whether this field counts. */
static void
note_bad(struct submit *s)
{
	struct buf *bad = &s->bad[s->header.is_resent_rcpt];

	if (bad->len > 0)
		return;
	buf_text(bad, "cannot read the recipients in the header, at: ");
	buf_put(bad, s->header.list.address, s->header.list.len);
}

static void
take_rcpt(struct submit *s)
{
	const struct addrlist *list = &s->header.list;
	struct buf whole = {0};

	if (envelope_qualified(&whole, slice_of(list->address, list->len),
			       list->has_domain, s->me) == 0)
		rcpts_add(&s->in_header[s->header.is_resent_rcpt],
			  buf_slice(&whole));
	else
		note_bad(s);
	buf_free(&whole);
}

/* The last of them counts; one without an address is the empty one. */
static void
take_return(struct submit *s)
{
	const struct addrlist *list = &s->header.list;

	buf_clear(&s->sender);
	envelope_qualified(&s->sender, slice_of(list->address, list->len),
			   list->has_domain, s->me);
	s->has_return = s->sender.len > 0;
}

static void
end_return(struct submit *s)
{
	if (!s->header.wants_return || !(s->header.seen & HEADER_RETURN_PATH))
		return;
	if (s->has_return)
		rewrite(s, "sender", &s->sender);
	else
		buf_clear(&s->sender);
}

static int
header_told(struct submit *s, enum header_event event, struct slice out)
{
	int code;

	if (event == HEADER_END) {
		end_return(s);
		if ((code = end_header(s)) != 0)
			return code;
	}
	if (event == HEADER_RETURN)
		take_return(s);
	if (event == HEADER_BAD && s->header.is_return) {
		/* as if it were not there */
		s->header.seen &= ~(unsigned)HEADER_RETURN_PATH;
		event = HEADER_MORE;
	}
	if (s->options->from_header && event == HEADER_RCPT)
		take_rcpt(s);
	if (s->options->from_header && event == HEADER_BAD)
		note_bad(s);
	return add_text(s, out);
}

int
submit_text(struct submit *s, struct slice text)
{
	struct slice out;
	int code = 0;

	while (text.len > 0 && !s->header_over && code == 0) {
		enum header_event event = header_push(&s->header, &text, &out);

		code = header_told(s, event, out);
	}
	return code ? code : add_text(s, text);
}

static int
take_input(struct submit *s, struct slice in, enum textin_event *event)
{
	struct slice out;
	int code = 0;

	while (in.len > 0 && *event == TEXTIN_MORE && code == 0) {
		*event = textin_push(&s->textin, &in, &out);
		code = submit_text(s, out);
	}
	return code;
}

static int
take_end(struct submit *s)
{
	struct slice out;
	int code;

	textin_finish(&s->textin, &out);
	code = submit_text(s, out);
	while (!s->header_over && code == 0) {
		enum header_event event = header_finish(&s->header, &out);

		code = header_told(s, event, out);
	}
	return code;
}

static int
choose_rcpts(struct submit *s)
{
	unsigned resent = s->header.seen & HEADER_RESENT ? 1 : 0;
	struct rcpts *more = &s->in_header[resent];
	struct slice rest = buf_slice(&more->wire), rcpt;

	if (s->bad[resent].len > 0)
		return refuse(s, EX_DATAERR, "", buf_slice(&s->bad[resent]));
	while (netstring_slice(&rest, &rcpt) == 0)
		rcpts_add(&s->rcpts, rcpt);
	if (s->rcpts.is_full || more->is_full)
		return refuse(s, EX_DATAERR, "too many recipients", SLICE(""));
	if (s->rcpts.n == 0)
		return refuse(s, EX_USAGE, "no recipients in the header",
			      SLICE(""));
	return 0;
}

int
submit_seal(struct submit *s)
{
	rewrite_rcpts(s);
	if (package_seal(&s->package, buf_slice(&s->sender),
			 buf_slice(&s->rcpts.wire)) != 0)
		return trouble(s, EX_TEMPFAIL, "storing the message: ");
	return 0;
}

int
submit_finish(struct submit *s)
{
	int code = take_end(s);

	if (code == 0)
		code = choose_rcpts(s);
	return code ? code : submit_seal(s);
}

void
submit_given(struct submit *s, const struct options *options,
	     const struct config *config, struct slice sender)
{
	s->options = options;
	s->config = config;
	s->me = config_me(config);
	s->textin.dots_are_text = true;
	buf_puts(&s->sender, sender);
	take_from(s);
	rewrite_senders(s);
}

int
submit_read(struct submit *s, int fd)
{
	static char room[READ_MAX];
	enum textin_event event = TEXTIN_MORE;
	ssize_t n = 1;
	int code = 0;

	while (n != 0 && event == TEXTIN_MORE && code == 0) {
		n = pipes_read(fd, room, sizeof room);
		if (n < 0)
			return trouble(s, EX_IOERR, "reading the message: ");
		code = take_input(s, slice_of(room, (size_t)n), &event);
	}
	return code ? code : submit_finish(s);
}

void
submit_free(struct submit *s)
{
	buf_free(&s->why);
	buf_free(&s->sender);
	buf_free(&s->from);
	buf_free(&s->name);
	rcpts_free(&s->rcpts);
	rcpts_free(&s->in_header[0]);
	rcpts_free(&s->in_header[1]);
	buf_free(&s->bad[0]);
	buf_free(&s->bad[1]);
	package_free(&s->package);
	*s = (struct submit){0};
}
