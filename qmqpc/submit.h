/* submit.h - one submission: from arguments and stdin to a sealed package
 *
 * Puts the machines in a row: textin (line ends, the single dot), header
 * (recipients, Bcc), fields (what is missing), package. In between the table
 * rewrite changes addresses.
 *
 * Test  tests/sendmail.t
 */
#ifndef QUAIL_QMQPC_SUBMIT_H
#define QUAIL_QMQPC_SUBMIT_H

#include "cdb/config.h"
#include "qmqpc/header.h"
#include "qmqpc/options.h"
#include "qmqpc/package.h"
#include "qmqpc/rcpts.h"
#include "qmqpc/textin.h"

struct submit {
	const struct options *options;
	const struct config *config;
	struct slice me;
	struct buf why;		   /* one line about what is wrong */
	struct buf sender;	   /* return path */
	struct buf from, name;	   /* of a From field that is missing */
	struct rcpts rcpts;	   /* from arguments; in the end, all */
	struct rcpts in_header[2]; /* To and its like; [1]: Resent-To ... */
	struct buf bad[2];	   /* the first of these that was wrong */
	struct textin textin;
	struct header header;
	bool header_over;
	bool has_return; /* Return-Path has given the sender */
	struct package package;
};

/* submit_arguments - take sender and recipients from the arguments
 *
 * Needs    *s all zero. options, config: kept.
 * Returns  0; else a code of sysexits, with a line in s->why.
 */
int
submit_arguments(struct submit *s, const struct options *options,
		 const struct config *config);

/* submit_read - read the message to its end and seal the package
 *
 * Takes    fd, a blocking descriptor.
 * Returns  as submit_arguments.
 */
int
submit_read(struct submit *s, int fd);

/* submit_given - the same for who gives the envelope and text themselves
 *
 * Needs    *s all zero but for its package. options, config: kept. Then
 * s->rcpts, submit_text for the text with LF at line ends, and submit_finish.
 * Takes    sender: the return path, may be empty.
 */
void
submit_given(struct submit *s, const struct options *options,
	     const struct config *config, struct slice sender);

/* submit_text, submit_finish - a part of the text; all of it is there
 *
 * Returns  as submit_arguments.
 */
int
submit_text(struct submit *s, struct slice text);

int
submit_finish(struct submit *s);

/* submit_seal - seal a package whose text stays just as it was given to
 * package_text, for the recipients in s->rcpts
 *
 * Returns  as submit_arguments.
 */
int
submit_seal(struct submit *s);

void
submit_free(struct submit *s);

#endif
