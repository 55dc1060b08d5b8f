/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of ACPI that does not depend on the configuration: serial ports, the VMBus device and
 * its MMIO windows, and power-off. Processors come in an SSDT that acpi.c writes; port numbers and
 * addresses here repeat acpi.h.
 * There is no \_S4 on purpose: a guest that can hibernate refuses to balloon.
 */
DefinitionBlock ("", "DSDT", 2, "HVIS", "HVISDSDT", 0x00000001)
{
	// SLP_TYP for PM1a control: ACPI_SLEEP_TYPE_S5
	Name (\_S5, Package (0x04) { 0x05, 0x00, 0x00, 0x00 })

	Scope (\_SB)
	{
		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 0x01)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
				IRQNoFlags () { 4 }
			})
		}

		Device (COM2)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 0x02)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x02F8, 0x02F8, 0x00, 0x08)
				IRQNoFlags () { 3 }
			})
		}

		// The module device whose windows the VMBus devices share out among themselves.
		Device (VMOD)
		{
			Name (_HID, "ACPI0004")
			Name (_UID, 0x00)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				// ACPI_MMIO_LOW, 128 MiB
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0x0000000000000000,
					0x00000000E0000000,
					0x00000000E7FFFFFF,
					0x0000000000000000,
					0x0000000008000000)
				// ACPI_MMIO_HIGH, 64 GiB
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0x0000000000000000,
					0x0000004000000000,
					0x0000004FFFFFFFFF,
					0x0000000000000000,
					0x0000001000000000)
			})

			Device (VMBS)
			{
				// Drivers match this name; iasl takes no literal _HID of its length.
				Name (VMID, "VMBus")
				Method (_HID, 0, NotSerialized)
				{
					Return (VMID)
				}

				Name (_UID, 0x00)
				Name (_STA, 0x0F)
			}
		}
	}
}
