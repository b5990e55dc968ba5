import { describeContract } from './contract.ts'

describeContract('hono')
