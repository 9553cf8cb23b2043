/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the bare-metal test guest: 64-bit (Linux boot protocol, rsi = zero page), PVH (32-bit,
 * ebx = start info), and that of further processors (16-bit, after SIPI, copied below 1 MiB).
 */
	.section .text.start, "ax"
	.code64
	.globl start64
start64:
	mov	$stack_top, %rsp
	mov	%rsi, %rdi
	xor	%esi, %esi
	call	guest_main
0:	cli
	hlt
	jmp	0b

	.code32
	.globl start_pvh
start_pvh:
	mov	$own_tables, %edi		/* four pages of 2 MiB entries: 4 GiB, identity */
	lea	0x2000(%edi), %esi
	mov	$0x83, %eax			/* present, writable, huge */
	xor	%ecx, %ecx
1:	mov	%eax, (%esi,%ecx,8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$2048, %ecx
	jne	1b
	lea	3(%esi), %eax
	xor	%ecx, %ecx
2:	mov	%eax, 0x1000(%edi,%ecx,8)
	add	$0x1000, %eax
	inc	%ecx
	cmp	$4, %ecx
	jne	2b
	lea	0x1003(%edi), %eax
	mov	%eax, (%edi)
	mov	%edi, %cr3
	lgdt	own_gdt_ptr
	mov	%cr4, %eax
	or	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx		/* EFER: LME */
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax
	mov	%eax, %cr0
	ljmp	$0x10, $3f
	.code64
3:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$stack_top, %rsp
	mov	%ebx, %edi
	mov	$1, %esi
	call	guest_main
	jmp	0b

/* Copied to 0x8000: a processor that SIPI woke. It takes the tables and the stack that guest.c left. */
	.globl ap_code, ap_code_end
	.code16
ap_code:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	0x8000 + ap_gdt_ptr - ap_code
	mov	%cr4, %eax
	or	$0x20, %eax
	mov	%eax, %cr4
	mov	0x8000 + ap_cr3 - ap_code, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax
	mov	%eax, %cr0
	ljmpl	$0x10, $ap_long
	.balign	8
ap_gdt_ptr:
	.word	31
	.long	own_gdt
	.globl ap_cr3
ap_cr3:
	.long	0
ap_code_end:
	.code64
ap_long:
	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$ap_stack_top, %rsp
	call	ap_main
0:	hlt
	jmp	0b

	.section .note.guest, "a"
#ifdef PVH
	.long	4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start_pvh
#endif
	.section .data, "aw"
	.balign	16
	.globl own_gdt
own_gdt:
	.quad	0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
own_gdt_ptr:
	.word	31
	.long	own_gdt

	.section .bss, "aw", @nobits
	.balign	4096
own_tables:
	.skip	6 * 4096
	.skip	16384
stack_top:
	.skip	16384
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
