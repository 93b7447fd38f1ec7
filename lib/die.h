/* die.h - the calls that do not return
 *
 * For no memory, our own bugs, and a system that will not let us start.
 * Recovery is the normal start, so dying is always safe for the mail. Each
 * flushes the log, writes one line to stderr and leaves with _exit(111),
 * but for die_usage (100).
 */
#ifndef QUAIL_LIB_DIE_H
#define QUAIL_LIB_DIE_H

_Noreturn void
die_nomem(void);

/* die_bug - a broken invariant of ours; what says which */
_Noreturn void
die_bug(const char *what);

/* die_sys - a system call failed that we cannot go on without
 *
 * Takes    what we were doing ("binding the door"), and errno.
 */
_Noreturn void
die_sys(const char *what, const char *object);

/* die_config - the configuration or the command line is wrong
 *
 * Takes    one line that says what is wrong and what would be right.
 * Exits    100: trying again does not help.
 */
_Noreturn void
die_config(const char *what, const char *object);

#endif
