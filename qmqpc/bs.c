#include "qmqpc/bs.h"

#include "lib/limits.h"
#include "lib/netstring.h"
#include "qmqpc/envelope.h"
#include "qmqpc/handover.h"
#include "qmqpc/pipes.h"
#include "qmqpc/session.h"
#include "qmqpc/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { WHY_MAX = 400 };

struct bs {
	struct options options;
	struct place place;
	struct talk talk;
	struct buf out;
	bool is_greeted, has_sender, in_text, is_over;
	unsigned n_errors;
	struct buf sender;
	struct rcpts rcpts;
	struct submit submit; /* while in_text */
	int text_code;	      /* of sysexits, of what failed in the text */
	int code;
};

static void
flush(struct bs *b)
{
	while (b->out.len > 0) {
		ssize_t n = pipes_write(1, buf_slice(&b->out).at, b->out.len);

		if (n <= 0) {
			b->is_over = true;
			return;
		}
		buf_take(&b->out, (size_t)n);
	}
}

static void
reply(struct bs *b, const char *line)
{
	buf_text(&b->out, line);
	buf_text(&b->out, "\r\n");
	if (line[0] == '5' && ++b->n_errors > BS_ERRORS_MAX) {
		buf_text(&b->out, "421 4.7.0 too many errors\r\n");
		b->is_over = true;
		b->code = EX_PROTOCOL;
	}
}

static void
forget(struct bs *b)
{
	b->has_sender = false;
	buf_clear(&b->sender);
	rcpts_free(&b->rcpts);
}

/* commands */

static void
ehlo(struct bs *b, struct slice rest)
{
	(void)rest;
	forget(b);
	b->is_greeted = true;
	buf_text(&b->out, "250-");
	buf_puts(&b->out, config_me(&b->place.config));
	buf_text(&b->out, "\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
			  "250-ENHANCEDSTATUSCODES\r\n250 SIZE ");
	buf_number(&b->out, LIMIT_TEXT);
	buf_text(&b->out, "\r\n");
}

static void
helo(struct bs *b, struct slice rest)
{
	(void)rest;
	forget(b);
	b->is_greeted = true;
	buf_text(&b->out, "250 ");
	buf_puts(&b->out, config_me(&b->place.config));
	buf_text(&b->out, "\r\n");
}

/* Behind MAIL or RCPT: KEYWORD<PATH>, then parameters. */
static bool
path_of(struct slice rest, struct slice keyword, struct slice *path,
	struct slice *parameters)
{
	size_t end;

	if (rest.len < keyword.len ||
	    !slice_case_eq(slice_of(rest.at, keyword.len), keyword))
		return false;
	rest = slice_trim(slice_from(rest, keyword.len));
	end = slice_find_last(rest, '>');
	if (rest.len == 0 || rest.at[0] != '<' || end == rest.len)
		return false;
	*path = slice_of(rest.at, end + 1);
	*parameters = slice_trim(slice_from(rest, end + 1));
	return true;
}

/* NULL for those that we know and can do. */
static const char *
parameters_fault(struct slice parameters)
{
	struct slice word;
	uint64_t size;

	while ((word = slice_word(&parameters)).len > 0) {
		if (word.len > 5 &&
		    slice_case_eq(slice_of(word.at, 5), SLICE("SIZE="))) {
			if (slice_number(slice_from(word, 5), UINT64_MAX / 2,
					 &size) != 0)
				return "501 5.5.4 SIZE wants a number";
			if (size > LIMIT_TEXT)
				return "552 5.3.4 the message is too large";
		} else if (!slice_case_eq(word, SLICE("BODY=8BITMIME")) &&
			   !slice_case_eq(word, SLICE("BODY=7BIT"))) {
			return "555 5.5.4 unknown parameter";
		}
	}
	return NULL;
}

static void
mail(struct bs *b, struct slice rest)
{
	struct slice path, parameters;
	const char *fault;

	if (!b->has_sender)
		buf_clear(&b->sender);
	if (b->has_sender) {
		reply(b, "503 5.5.1 one MAIL at a time");
	} else if (!path_of(rest, SLICE("FROM:"), &path, &parameters)) {
		reply(b, "501 5.5.2 write MAIL FROM:<address>");
	} else if ((fault = parameters_fault(parameters))) {
		reply(b, fault);
	} else if (envelope_sender(&b->sender, path,
				   config_me(&b->place.config)) != 0) {
		reply(b, "553 5.1.7 this is no address");
	} else {
		b->has_sender = true;
		reply(b, "250 2.1.0 ok");
	}
}

static void
rcpt(struct bs *b, struct slice rest)
{
	struct slice path, parameters;
	struct buf address = {0};

	if (!b->has_sender) {
		reply(b, "503 5.5.1 MAIL first");
	} else if (!path_of(rest, SLICE("TO:"), &path, &parameters)) {
		reply(b, "501 5.5.2 write RCPT TO:<address>");
	} else if (parameters.len > 0) {
		reply(b, "555 5.5.4 unknown parameter");
	} else if (envelope_sender(&address, path,
				   config_me(&b->place.config)) != 0 ||
		   address.len == 0) {
		reply(b, "553 5.1.3 this is no address");
	} else if (b->rcpts.n == LIMIT_RCPTS) {
		reply(b, "452 4.5.3 too many recipients");
	} else {
		rcpts_add(&b->rcpts, buf_slice(&address));
		reply(b, "250 2.1.5 ok");
	}
	buf_free(&address);
}

static void
data(struct bs *b, struct slice rest)
{
	struct slice all = buf_slice(&b->rcpts.wire), one;

	if (rest.len > 0) {
		reply(b, "501 5.5.4 DATA takes nothing");
		return;
	}
	if (b->rcpts.n == 0) {
		reply(b, "503 5.5.1 MAIL and RCPT first");
		return;
	}
	submit_given(&b->submit, &b->options, &b->place.config,
		     buf_slice(&b->sender));
	while (netstring_slice(&all, &one) == 0)
		rcpts_add(&b->submit.rcpts, one);
	b->text_code = 0;
	b->in_text = true;
	talk_text(&b->talk);
	reply(b, "354 go on");
}

static void
rset(struct bs *b, struct slice rest)
{
	(void)rest;
	forget(b);
	reply(b, "250 2.0.0 ok");
}

static void
noop(struct bs *b, struct slice rest)
{
	(void)rest;
	reply(b, "250 2.0.0 ok");
}

static void
vrfy(struct bs *b, struct slice rest)
{
	(void)rest;
	reply(b, "252 2.5.0 send it and see");
}

static void
quit(struct bs *b, struct slice rest)
{
	(void)rest;
	reply(b, "221 2.0.0 bye");
	b->is_over = true;
}

static const struct command {
	const char *name;
	bool needs_greeting;
	void (*run)(struct bs *b, struct slice rest);
} commands[] = {
    {"EHLO", false, ehlo}, {"HELO", false, helo}, {"MAIL", true, mail},
    {"RCPT", true, rcpt},  {"DATA", true, data},  {"RSET", false, rset},
    {"NOOP", false, noop}, {"VRFY", true, vrfy},  {"QUIT", false, quit},
};

static void
command(struct bs *b, struct slice line)
{
	struct slice name = slice_word(&line);
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_case_eq(name, slice_text(commands[i].name)))
			continue;
		if (commands[i].needs_greeting && !b->is_greeted)
			reply(b, "503 5.5.1 EHLO first");
		else
			commands[i].run(b, slice_trim(line));
		return;
	}
	reply(b, "500 5.5.1 unknown command");
}

/* the text */

/* A reply is one line of 512 bytes at the most. */
static void
put_why(struct bs *b, struct slice why)
{
	size_t i;

	for (i = 0; i < why.len && i < WHY_MAX; i++)
		buf_putc(&b->out, why.at[i] < 0x20 || why.at[i] > 0x7e
				      ? '?'
				      : why.at[i]);
	buf_text(&b->out, "\r\n");
}

static void
text_over(struct bs *b)
{
	int code = b->text_code;

	if (code == 0)
		code = submit_finish(&b->submit);
	if (code == 0)
		code = handover_message(&b->submit, &b->place);
	buf_text(&b->out, code == 0		? "250 2.0.0 "
			  : code == EX_TEMPFAIL ? "451 4.3.0 "
			  : code == EX_DATAERR	? "552 5.6.0 "
						: "554 5.0.0 ");
	put_why(b, buf_slice(&b->submit.why));
	submit_free(&b->submit);
	b->in_text = false;
	forget(b);
}

static void
take(struct bs *b, struct slice in)
{
	struct slice out;

	while (in.len > 0 && !b->is_over) {
		switch (talk_push(&b->talk, &in, &out)) {
		case TALK_MORE:
			if (b->in_text && b->text_code == 0 && out.len > 0)
				b->text_code = submit_text(&b->submit, out);
			break;
		case TALK_COMMAND: command(b, out); break;
		case TALK_END: text_over(b); break;
		case TALK_BAD:
			reply(b, "550 5.5.2 lines end in CR LF, and nothing "
				 "else");
			b->is_over = true;
			b->code = EX_PROTOCOL;
			break;
		}
	}
}

static void
speak(struct bs *b)
{
	static char room[65536];
	ssize_t n;

	buf_text(&b->out, "220 ");
	buf_puts(&b->out, config_me(&b->place.config));
	buf_text(&b->out, " ESMTP\r\n");
	flush(b);
	while (!b->is_over) {
		n = pipes_read(0, room, sizeof room);
		if (n < 0)
			b->code = session_complain(EX_IOERR,
						   slice_text(strerror(errno)));
		if (n <= 0)
			return;
		take(b, slice_of(room, (size_t)n));
		flush(b);
	}
}

int
bs_run(const struct options *options)
{
	struct bs *b = calloc(1, sizeof *b);
	struct buf why = {0};
	int code = EX_TEMPFAIL;

	if (!b)
		return EX_TEMPFAIL;
	b->options = *options;
	b->options.from_header = false;
	if (place_open(&b->place, NULL, &why) == 0) {
		speak(b);
		code = b->code;
	} else {
		session_complain(code, buf_slice(&why));
	}
	submit_free(&b->submit);
	buf_free(&b->out);
	buf_free(&b->sender);
	rcpts_free(&b->rcpts);
	place_close(&b->place);
	buf_free(&why);
	free(b);
	return code;
}
