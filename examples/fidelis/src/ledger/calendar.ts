const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY = 86_400_000;

/** True for a day that exists, written `1993-12-31`. */
export function isCalendarDate(text: string): boolean {
  const match = ISO_DATE.exec(text);
  if (match === null) return false;
  const month = Number(match[2]);
  const day = Number(match[3]);
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(Number(match[1]), month);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The bank gives no time of day, so a booking happens at the first instant of its date, in UTC. */
export function startOfDay(date: string): Date {
  return new Date(`${date}T00:00:00.000Z`);
}

export function endOfDay(date: string): Date {
  return new Date(`${date}T23:59:59.999Z`);
}

export function dateOf(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

export function plusDays(date: string, days: number): string {
  return dateOf(new Date(startOfDay(date).getTime() + days * DAY));
}
