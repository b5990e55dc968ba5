import { describeContract } from './contract.ts'

describeContract('express-4')
