/* sandbox_calls.c - which system calls each kind of daemon may make
 *
 * A line here is a right: it has a reason. What one machine or libc has and
 * another does not is left out where it is not known.
 */
#include "lib/sandbox_parts.h"

#include <sys/syscall.h>

#ifdef SANDBOX_MACHINE

#define F	(1 << SANDBOX_FRONT)
#define O	(1 << SANDBOX_OUT)
#define Q	(1 << SANDBOX_QUEUE)
#define M	(1 << SANDBOX_MAILDIR)
#define L	(1 << SANDBOX_LEAFDOOR)
#define D	(1 << SANDBOX_DRAIN)
#define ALL	(F | O | Q | M | L | D)
#define WRITERS (Q | M | L | D)

static const struct sandbox_call list[] = {
    /* the hot ones */
    {SYS_read, ALL, SANDBOX_ANY},
    {SYS_write, ALL, SANDBOX_ANY},
    {SYS_sendto, ALL, SANDBOX_ANY},
    {SYS_recvfrom, ALL, SANDBOX_ANY},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, ALL, SANDBOX_ANY},
#endif
    {SYS_epoll_pwait, ALL, SANDBOX_ANY},
    {SYS_epoll_ctl, ALL, SANDBOX_ANY},
    {SYS_pwrite64, WRITERS, SANDBOX_NOT_THE_LOG},
    {SYS_pread64, ALL, SANDBOX_ANY},
    {SYS_futex, ALL, SANDBOX_ANY}, /* locks and semaphores of threads */
    {SYS_close, ALL, SANDBOX_ANY},
    {SYS_openat, ALL, SANDBOX_PLAIN_OPEN},
    {SYS_fstat, ALL, SANDBOX_ANY},
    {SYS_newfstatat, ALL, SANDBOX_ANY},
    {SYS_fdatasync, WRITERS, SANDBOX_ANY},
    {SYS_fsync, WRITERS, SANDBOX_ANY},
    {SYS_accept4, F | Q | L, SANDBOX_ANY},
    {SYS_setsockopt, ALL, SANDBOX_OPTION},
    {SYS_getsockopt, ALL, SANDBOX_ANY},
    {SYS_connect, F | O | M | D, SANDBOX_NO_LISTENER},
    {SYS_shutdown, ALL, SANDBOX_NO_LISTENER},

    /* memory */
    {SYS_mmap, ALL, SANDBOX_NO_CODE},
    {SYS_mprotect, ALL, SANDBOX_NO_CODE},
    {SYS_munmap, ALL, SANDBOX_ANY},
    {SYS_mremap, ALL, SANDBOX_ANY},
    {SYS_madvise, ALL, SANDBOX_ANY},
    {SYS_brk, ALL, SANDBOX_ANY},

    /* sockets */
    {SYS_socket, F | M, SANDBOX_LOCAL},
    {SYS_socket, O | D, SANDBOX_NETWORK},
    {SYS_bind, O, SANDBOX_ANY},	       /* a pool's source address */
    {SYS_ioctl, ALL, SANDBOX_UNSENT},  /* has the peer got it? */
    {SYS_getpeername, F, SANDBOX_ANY}, /* is it the balancer? */
    {SYS_getsockname, O | D, SANDBOX_ANY},
    {SYS_sendmmsg, D, SANDBOX_ANY}, /* glibc's resolver */

/* files */
#ifdef SYS_open
    {SYS_open, ALL, SANDBOX_PLAIN_OPEN_OLD}, /* musl's */
    {SYS_stat, ALL, SANDBOX_ANY},
    {SYS_lstat, ALL, SANDBOX_ANY},
    {SYS_access, O | D, SANDBOX_ANY},
#endif
    {SYS_statx, ALL, SANDBOX_ANY},
    {SYS_faccessat, O | D, SANDBOX_ANY},
    {439 /* faccessat2 */, O | D, SANDBOX_ANY},
    {SYS_lseek, ALL, SANDBOX_NOT_THE_LOG},
    {SYS_fcntl, ALL, SANDBOX_FLAGS},
    {SYS_readv, O | D, SANDBOX_ANY},
    {SYS_writev, ALL, SANDBOX_ANY},
    {SYS_getdents64, WRITERS, SANDBOX_ANY},
    {SYS_fstatfs, WRITERS, SANDBOX_ANY},
    {SYS_fadvise64, WRITERS, SANDBOX_ANY},
    {SYS_ftruncate, WRITERS, SANDBOX_NOT_THE_LOG},
    {SYS_unlinkat, WRITERS, SANDBOX_ANY},
    {SYS_renameat, WRITERS, SANDBOX_ANY},
    {SYS_renameat2, WRITERS, SANDBOX_ANY},
#ifdef SYS_rename
    {SYS_unlink, D | L, SANDBOX_ANY},
    {SYS_rename, D | L, SANDBOX_ANY},
#endif
    {SYS_linkat, Q | M, SANDBOX_ANY},
    {SYS_mkdirat, WRITERS, SANDBOX_ANY},
    {437 /* openat2 */, M, SANDBOX_NO_SUCH}, /* its mode is not seen */
    {SYS_syncfs, M | L | D, SANDBOX_ANY},
    {SYS_memfd_create, Q | L | D, SANDBOX_ANY}, /* no disk to be had */
    {SYS_uname, M | L | D, SANDBOX_ANY}, /* gethostname; can syncfs tell? */
    {SYS_splice, ALL, SANDBOX_ANY},	 /* the log, into a pipe */

    /* time, signals, ends */
    {SYS_clock_gettime, ALL, SANDBOX_ANY},
    {SYS_gettimeofday, ALL, SANDBOX_ANY},
#ifdef SYS_time
    {SYS_time, ALL, SANDBOX_ANY},
#endif
    {SYS_clock_nanosleep, Q, SANDBOX_ANY},
    {SYS_nanosleep, Q, SANDBOX_ANY},
    {SYS_restart_syscall, ALL, SANDBOX_ANY},
#ifdef SYS_poll
    {SYS_poll, ALL, SANDBOX_ANY},
#endif
    {SYS_ppoll, ALL, SANDBOX_ANY},
    {SYS_getrandom, ALL, SANDBOX_ANY},
    {SYS_rt_sigaction, ALL, SANDBOX_ANY},
    {SYS_rt_sigprocmask, ALL, SANDBOX_ANY},
    {SYS_rt_sigreturn, ALL, SANDBOX_ANY},
    {SYS_sysinfo, ALL, SANDBOX_ANY}, /* glibc's qsort */
    {SYS_prlimit64, ALL, SANDBOX_OWN},
    {SYS_getpid, ALL, SANDBOX_ANY},
    {SYS_gettid, ALL, SANDBOX_ANY},
    {SYS_geteuid, L | D, SANDBOX_ANY},
    {SYS_tgkill, ALL, SANDBOX_OWN}, /* abort(3) */
    {SYS_exit, ALL, SANDBOX_ANY},
    {SYS_exit_group, ALL, SANDBOX_ANY},

    /* a thread for the syncs */
    {SYS_clone, Q | M, SANDBOX_THREAD},
    {435 /* clone3 */, Q | M | D, SANDBOX_NO_SUCH}, /* clone is tried then */
    {SYS_set_robust_list, Q | M | D, SANDBOX_ANY},
#ifdef SYS_rseq
    {SYS_rseq, Q | M | D, SANDBOX_ANY},
#endif
    {SYS_eventfd2, Q | M, SANDBOX_ANY},

    /* the drain: directories in the spool, a child for each name, an end in
     * time */
    {SYS_fchmod, D, SANDBOX_PLAIN_MODE},
    {SYS_fchown, D, SANDBOX_ANY}, /* root's, for that of the owner */
#ifdef SYS_alarm
    {SYS_alarm, D, SANDBOX_ANY},
#endif
    {SYS_setitimer, D, SANDBOX_ANY},
    {SYS_pipe2, D, SANDBOX_ANY},
    {SYS_clone, D, SANDBOX_FORK},
#ifdef SYS_fork
    {SYS_fork, D, SANDBOX_ANY},
#endif
    {SYS_kill, D, SANDBOX_TO_KILL},
    {SYS_wait4, D, SANDBOX_ANY},

    /* what only a captured process calls */
    {SYS_execve, ALL, SANDBOX_DEADLY},
    {SYS_execveat, ALL, SANDBOX_DEADLY},
    {SYS_ptrace, ALL, SANDBOX_DEADLY},
    {SYS_process_vm_readv, ALL, SANDBOX_DEADLY},
    {SYS_process_vm_writev, ALL, SANDBOX_DEADLY},
    {SYS_bpf, ALL, SANDBOX_DEADLY},
    {SYS_keyctl, ALL, SANDBOX_DEADLY},
    {SYS_add_key, ALL, SANDBOX_DEADLY},
    {SYS_request_key, ALL, SANDBOX_DEADLY},
    {SYS_perf_event_open, ALL, SANDBOX_DEADLY},
    {SYS_userfaultfd, ALL, SANDBOX_DEADLY},
    {425 /* io_uring_setup */, ALL, SANDBOX_DEADLY},
    {SYS_kexec_load, ALL, SANDBOX_DEADLY},
    {SYS_init_module, ALL, SANDBOX_DEADLY},
    {SYS_finit_module, ALL, SANDBOX_DEADLY},
};

const struct sandbox_call *
sandbox_list(size_t *n)
{
	*n = sizeof list / sizeof *list;
	return list;
}

#endif
