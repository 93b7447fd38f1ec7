/* options.h - the arguments of sendmail, as its many callers give them
 *
 * The flags of Sendmail, qmail's and Postfix's wrappers. A null client has
 * no use for most of them: those are known, and ignored with their values.
 * No flag reads or writes a file or runs a program (-X, -C and -O are of
 * the ignored ones). Options end at the first argument that is none, or
 * at "--"; a recipient that begins with "-" needs the latter, so that no
 * address taken from elsewhere can ever act as a flag or pass for one.
 *
 * --drain and --watch stand first or not at all: --drain [--watch] [DIR].
 *
 * Test  tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_OPTIONS_H
#define QUAIL_QMQPC_OPTIONS_H

#include "lib/buf.h"

enum options_mode {
	OPTIONS_SEND,
	OPTIONS_ALIASES,
	OPTIONS_HELP,
	OPTIONS_MAILQ,	/* -bp, or called as mailq */
	OPTIONS_SMTP,	/* -bs */
	OPTIONS_QUEUE,	/* called as qmail-queue, without arguments */
	OPTIONS_INJECT, /* called as qmail-inject: rcpts has all of them, not
			   yet looked at (inject.h) */
	OPTIONS_DRAIN	/* --drain, --watch */
};

struct options {
	enum options_mode mode;
	bool from_header;   /* -t: recipients stand in the header too */
	bool dots_are_text; /* -i: a line of a single dot is text */
	bool is_verbose;    /* -v */
	bool is_watch;	    /* --watch: a drain that stays */
	const char *dir;    /* of a drain; NULL: not given */
	const char *sender; /* -f, -r; NULL: not given */
	const char *name;   /* -F; NULL: not given */
	char **rcpts;	    /* what stands behind the options */
	size_t n_rcpts;

	/* what only inject.h asks for */
	bool is_inject;
	bool drops_from, drops_id;	/* From, Message-ID */
	bool uses_return_path;		/* the field, where there is no -f */
	const char *from, *return_path; /* as an envelope carries them; NULL:
					   not given */
};

/* options_parse - read the arguments as main got them
 *
 * Returns  0; else a code of sysexits (64 usage, 69 a mode that is not
 *          offered) with one line appended to *why.
 * Keeps    pointers into argv.
 */
int
options_parse(struct options *o, int argc, char **argv, struct buf *why);

#endif
