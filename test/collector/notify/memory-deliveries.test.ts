import { deliveryStoreContract } from '../support/delivery-store-contract.ts'
import { memoryDeliveries } from '../support/memory-deliveries.ts'

deliveryStoreContract('the tests', async () => {
  const store = memoryDeliveries()
  return { store, reopen: async () => store }
})
