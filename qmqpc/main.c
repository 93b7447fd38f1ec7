/* sendmail - hand the message on stdin to a hub by QMQP
 *
 * The null client of a leaf. Runs as whoever calls it, with nothing but
 * that user's rights; reads DIR/config.cdb, and writes to DIR/spool alone.
 */
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/private.h"
#include "qmqpc/bs.h"
#include "qmqpc/inject.h"
#include "qmqpc/mailq.h"
#include "qmqpc/qmail_queue.h"
#include "qmqpc/session.h"
#include "qmqpc/watch.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: sendmail [-t] [-i] [-f sender] [-F name] [-v] [recipient...]\n"
    "       sendmail -bp\n"
    "       qmqpc --drain [--watch] [DIR]\n";

static int
run(const struct options *o)
{
	switch (o->mode) {
	case OPTIONS_SEND: return session_run(o);
	case OPTIONS_QUEUE: return qmail_queue_run();
	case OPTIONS_INJECT: return inject_run(o->rcpts, o->n_rcpts);
	case OPTIONS_SMTP: return bs_run(o);
	case OPTIONS_MAILQ: return mailq_run();
	case OPTIONS_DRAIN:
		private_memory(); /* our key, and mail of all users */
		return watch_run(o);
	case OPTIONS_HELP: return session_print(slice_text(usage));
	case OPTIONS_ALIASES: break;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct buf why = {0};
	int code;

	log_guard();
	fs_guard();
	signal(SIGPIPE, SIG_IGN);
	umask(027); /* the drain, by its group, reads what we spool */
	code = options_parse(&options, argc, argv, &why);
	if (code != 0)
		session_complain(code, buf_slice(&why));
	else
		code = run(&options);
	buf_free(&why);
	return code;
}
