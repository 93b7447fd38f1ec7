/* sendmail - hand the message on stdin to a hub by QMQP
 *
 * The null client of a leaf. Runs as whoever calls it, with nothing but
 * that user's rights; reads DIR/config.cdb, writes no file that has a name.
 */
#include "qmqpc/session.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: sendmail [-t] [-i] [-f sender] [-F name] [-v] [recipient...]\n";

/* A caller may have closed these: a socket must not become stderr. */
static void
open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct buf why = {0};
	int code;

	open_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	code = options_parse(&options, argc, argv, &why);
	if (code != 0)
		session_complain(code, buf_slice(&why));
	else if (options.mode == OPTIONS_SEND)
		code = session_run(&options);
	else if (options.mode == OPTIONS_HELP)
		fputs(usage, stdout);
	buf_free(&why);
	return code;
}
