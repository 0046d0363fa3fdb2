import { expect, test } from 'vitest'
import { operationIdOf } from './operationId.ts'

test.each([
  ['GET', '/api/v1/venues', 'listVenues'],
  ['GET', '/api/v1/venues/{venue_id}', 'getVenue'],
  ['POST', '/api/v1/venues', 'createVenue'],
  ['PUT', '/api/v1/facilities/{id}', 'updateFacility'],
  ['PATCH', '/api/v1/venues/{id}/status', 'updateVenueStatus'],
  ['DELETE', '/api/v1/notification-types/{key}', 'deleteNotificationType'],
])('the method says what is done to the last thing of the path: %s %s', (method, path, name) => {
  expect(operationIdOf(method, path)).toBe(name)
})

test.each([
  ['GET', '/api/v1/venues/{venue_id}/time-slots', 'listVenueTimeSlots'],
  ['GET', '/api/v1/venues/:venue_id/facilities/:id', 'getVenueFacility'],
  ['PUT', '/api/v1/users/{user_id}/roles', 'setUserRoles'],
  ['GET', '/api/v1/users/me/identities', 'listMyIdentities'],
  ['DELETE', '/api/v1/users/me/identities/{provider}', 'deleteMyIdentity'],
  ['GET', '/api/v1/logs/me', 'getMyLog'],
])('a thing that belongs to another one, or to the caller, is named after it: %s %s', (method, path, name) => {
  expect(operationIdOf(method, path)).toBe(name)
})

test.each([
  ['POST', '/api/v1/broadcasts/{id}/cancel', 'cancelBroadcast'],
  ['POST', '/api/v1/reservations/{id}/check-in', 'checkInReservation'],
  ['POST', '/api/v1/users/me/calendar-link/reset', 'resetMyCalendarLink'],
  ['GET', '/api/v1/login-logs/export', 'exportLoginLogs'],
  ['POST', '/register', 'register'],
])('a verb at the end of the path says what is done: %s %s', (method, path, name) => {
  expect(operationIdOf(method, path)).toBe(name)
})

test.each([
  ['GET', '/manage/facility/building/list', 'listBuildings'],
  ['GET', '/api/v1/venues/{id}/opening-hours', 'getVenueOpeningHours'],
  ['GET', '/api/v1/venues/{id}/maintenance', 'listVenueMaintenance'],
  ['GET', '/api/v1/users/me/waiting-list', 'listMyWaitingList'],
])('what is one thing is read, and what is several is listed: %s %s', (method, path, name) => {
  expect(operationIdOf(method, path)).toBe(name)
})
