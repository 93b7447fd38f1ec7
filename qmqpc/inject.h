/* inject.h - the stand-in for qmail-inject
 *
 *   qmail-inject [-aAhHnN] [-f sender] [recipient...]
 *
 * Sendmail's submission with qmail-inject's flags, environment and exit
 * codes: 0, 100 permanent, 111 temporary.
 *
 *   -a, -h   recipients from the arguments only, from the header only
 *   -A       from the arguments, or without any from the header (as is so
 *            without a flag);  -H  from both
 *   -f       the return path
 *   -n       the message goes to stdout and nowhere else (-N: to a hub)
 *
 *   QMAILUSER, MAILUSER, USER, LOGNAME   the From field's local part ...
 *   QMAILHOST, MAILHOST                  ... and host
 *   QMAILNAME, MAILNAME, NAME            ... and name
 *   QMAILSUSER, QMAILSHOST               the same of the return path
 *   QMAILINJECT                          letters: f and i take From and
 *            Message-ID out of the message; s does not look at Return-Path;
 *            m makes the return path one for this message; c is ignored
 *
 * Differs  a value that cannot stand in an address is refused where its
 *          name begins with QMAIL or MAIL, and passed over where the whole
 *          world sets it (USER, LOGNAME, NAME). The letter r is refused:
 *          the hubs make no return path for each recipient. QMAILMFTFILE is
 *          ignored, as nothing here reads a file on its caller's word; and
 *          addresses in the header stay as they are.
 * Source   qmail-inject(8), qmail-header(5) of qmail 1.03
 * Test     tests/leaf_inject.t
 */
#ifndef QUAIL_QMQPC_INJECT_H
#define QUAIL_QMQPC_INJECT_H

#include "qmqpc/options.h"

/* inject_run - the whole program
 *
 * Takes    arguments: those behind the program's name.
 * Returns  the exit code; if not 0, one line is on stderr.
 */
int
inject_run(char **arguments, size_t n);

#endif
