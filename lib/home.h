/* home.h - where a daemon finds its things
 *
 * Every daemon is called as "PROGRAM DIR" and changes into DIR first, so
 * that all paths are short and relative:
 *
 *   config.cdb   the compiled configuration
 *   run/door     the queue's door (unix socket)
 *   run/agent    the queue's agent socket
 *   run/control  the queue's control socket
 *   queue/       the queue's files
 */
#ifndef QUAIL_LIB_HOME_H
#define QUAIL_LIB_HOME_H

#define HOME_CONFIG  "config.cdb"
#define HOME_DOOR    "run/door"
#define HOME_AGENT   "run/agent"
#define HOME_CONTROL "run/control"
#define HOME_QUEUE   "queue"

/* home_enter - the common beginning of every daemon's main
 *
 * Takes    the arguments as main got them; usage is one line, printed for
 *          --help (exit 0) and for wrong arguments (exit 100).
 * Does     names the program in the log, sets umask 077, calls fs_guard,
 *          private_memory and descriptors_need, changes into DIR. Dies with
 *          exit 100 and a clear line if it can't, or may have too few
 *          descriptors.
 */
void
home_enter(int argc, char **argv, const char *name, const char *usage);

#endif
