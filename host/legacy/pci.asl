/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PCI bus of a machine with legacy devices: an SSDT that is there only with them. Ports repeat pci.h.
 * Interrupt pins are wired to fixed inputs, 11 for A and C, 10 for B and D of even slots, which the 8259s have and the
 * IOAPIC has, so a guest that uses either finds them. The IDE controller needs none: it has the ISA's 14 and 15.
 */
DefinitionBlock ("", "SSDT", 2, "HVIS", "HVISPCI", 0x00000001)
{
	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0x00)
			Name (_BBN, 0x00)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0x0000, 0x0000, 0x0000, 0x0000, 0x0001)
				// The configuration ports, which are the bridge's own.
				IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
				// The ISA's, with those of the IDE channels
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0x0000, 0x0000, 0x0CF7, 0x0000, 0x0CF8)
				// PCI_IO_PORT, PCI_IO_BYTES
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0x0000, 0xC000, 0xCFFF, 0x0000, 0x1000)
				// Behind ACPI_MMIO_LOW, below the IOAPIC
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0x00000000, 0xE8000000, 0xEFFFFFFF, 0x00000000, 0x08000000)
			})
			Name (_PRT, Package ()
			{
				// The chip set's slot, then three for cards
				Package () { 0x0007FFFF, 0, 0, 10 },
				Package () { 0x0007FFFF, 1, 0, 11 },
				Package () { 0x0007FFFF, 2, 0, 10 },
				Package () { 0x0007FFFF, 3, 0, 11 },
				Package () { 0x0008FFFF, 0, 0, 11 },
				Package () { 0x0008FFFF, 1, 0, 10 },
				Package () { 0x0008FFFF, 2, 0, 11 },
				Package () { 0x0008FFFF, 3, 0, 10 },
				Package () { 0x0009FFFF, 0, 0, 10 },
				Package () { 0x0009FFFF, 1, 0, 11 },
				Package () { 0x0009FFFF, 2, 0, 10 },
				Package () { 0x0009FFFF, 3, 0, 11 },
				Package () { 0x000AFFFF, 0, 0, 11 },
				Package () { 0x000AFFFF, 1, 0, 10 },
				Package () { 0x000AFFFF, 2, 0, 11 },
				Package () { 0x000AFFFF, 3, 0, 10 }
			})
		}
	}
}
