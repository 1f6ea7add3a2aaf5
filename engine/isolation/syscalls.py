"""Numbers of calls of Linux, and which of them no process of ours needs that opens strange files.

A line for each: its name, its number on x86_64 and on 64-bit ARM (- where there is none).
"""

from __future__ import annotations

#: Calls with higher numbers came later; whoever uses them does without, as on an older system.
NEWEST = 462

#: Talking to anybody but by what is open already.
NETWORK = """
socket 41 198
socketpair 53 199
connect 42 203
bind 49 200
listen 50 201
accept 43 202
accept4 288 242
sendto 44 206
sendmsg 46 211
sendmmsg 307 269
"""

#: Becoming, or starting, another program.
PROGRAMS = """
execve 59 221
execveat 322 281
fork 57 -
vfork 58 -
"""

#: Reaching into other processes, or into what they share.
OTHERS = """
ptrace 101 117
process_vm_readv 310 270
process_vm_writev 311 271
process_madvise 440 440
kcmp 312 272
rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240
pidfd_open 434 434
pidfd_getfd 438 438
pidfd_send_signal 424 424
"""

#: Memory and queues that other processes see.
SHARED = """
memfd_create 319 279
shmget 29 194
shmat 30 196
shmctl 31 195
msgget 68 186
msgsnd 69 189
semget 64 190
semop 65 193
mq_open 240 180
"""

#: Parts of the system that no program of ours needs, where holes were found again and again.
KERNEL = """
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
bpf 321 280
perf_event_open 298 241
userfaultfd 323 282
add_key 248 217
request_key 249 218
keyctl 250 219
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
move_mount 429 429
open_tree 428 428
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
mount_setattr 442 442
unshare 272 97
setns 308 268
init_module 175 105
finit_module 313 273
delete_module 176 106
kexec_load 246 104
kexec_file_load 320 294
reboot 169 142
swapon 167 224
swapoff 168 225
acct 163 89
quotactl 179 60
iopl 172 -
ioperm 173 -
modify_ldt 154 -
settimeofday 164 170
clock_settime 227 112
adjtimex 159 171
clock_adjtime 305 266
sethostname 170 161
setdomainname 171 162
open_by_handle_at 304 265
name_to_handle_at 303 264
fanotify_init 300 262
"""

#: Changing anything on the disk.
WRITING = """
creat 85 -
unlink 87 -
unlinkat 263 35
rename 82 -
renameat 264 38
renameat2 316 276
mkdir 83 -
mkdirat 258 34
rmdir 84 -
link 86 -
linkat 265 37
symlink 88 -
symlinkat 266 36
chmod 90 -
fchmod 91 52
fchmodat 268 53
fchmodat2 452 452
chown 92 -
lchown 94 -
fchown 93 55
fchownat 260 54
truncate 76 45
ftruncate 77 46
fallocate 285 47
mknod 133 -
mknodat 259 33
utime 132 -
utimes 235 -
futimesat 261 -
utimensat 280 88
setxattr 188 5
lsetxattr 189 6
fsetxattr 190 7
removexattr 197 14
lremovexattr 198 15
fremovexattr 199 16
"""

#: Looked at more closely: what counts are their arguments.
ASKED = """
socket 41 198
clone 56 220
clone3 435 435
kill 62 129
tkill 200 130
tgkill 234 131
open 2 -
openat 257 56
openat2 437 437
ioctl 16 29
prlimit64 302 261
seccomp 317 277
"""


def numbers(machine: str, *groups: str) -> dict[str, int]:
    """The numbers of the calls in some of the groups, by name.

    Args:
        machine: as ``platform.machine`` says it, "x86_64" or "aarch64".
        groups: texts of this module.
    """
    column = {"x86_64": 1, "aarch64": 2}[machine]
    rows = [line.split() for group in groups for line in group.split("\n") if line]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
